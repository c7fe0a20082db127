"""Policies to evaluate: the probability that they show what the log shows, and what they expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.metrics import Floats, Ints
from training.off_policy.slates import LoggedSlates


class Policy(Protocol):
    """How slates would be filled."""

    def conditional(self, slates: LoggedSlates) -> Floats:
        """Return the probability of each logged item in its slot, given the logged items above it.

        Shape (S, K); 1 after the end of a slate.
        """

    def marginal(self, slates: LoggedSlates) -> Floats:
        """Return the probability of each logged item in its slot, shape (S, K)."""

    def expected(self, slates: LoggedSlates, attraction: Floats, fold: Ints) -> Floats:
        """Return the mean attraction of what the policy shows in each slot, shape (S, K).

        Args:
            attraction: shape (F, I), of each item, by fold.
            fold: shape (S,), the fold whose attractions a slate reads.
        """


class Logging:
    """The policy that made the log."""

    def conditional(self, slates: LoggedSlates) -> Floats:
        """Return the logged probabilities."""
        return slates.conditional

    def marginal(self, slates: LoggedSlates) -> Floats:
        """Return the logged probabilities."""
        return slates.marginal

    def expected(self, slates: LoggedSlates, attraction: Floats, fold: Ints) -> Floats:
        """Return the attraction of the logged item: one draw of the policy."""
        return attraction[fold[:, None], slates.items]


@dataclass(frozen=True)
class Ordered:
    """A policy without chance: each slate is the start of an order of its candidates.

    Attributes:
        items: shape (S, K), item numbers, best first; -1 where it shows none.
    """

    items: Ints

    def conditional(self, slates: LoggedSlates) -> Floats:
        """Return 1 where the logged item is the best of those that are not above it."""
        probabilities = np.ones(slates.items.shape)
        taken = np.zeros(self.items.shape, dtype=bool)
        for k in range(slates.items.shape[1]):
            logged = slates.items[:, k]
            best = np.argmin(taken, axis=1)
            is_best = self.items[np.arange(len(slates)), best] == logged
            probabilities[:, k] = np.where(logged >= 0, is_best, 1.0)
            taken |= self.items == logged[:, None]
        return probabilities

    def marginal(self, slates: LoggedSlates) -> Floats:
        """Return 1 where the policy shows the logged item in the same slot."""
        return np.where(slates.shown, self.items == slates.items, 1.0)

    def expected(self, slates: LoggedSlates, attraction: Floats, fold: Ints) -> Floats:
        """Return the attraction of the policy's items."""
        shows_item = slates.shown & (self.items >= 0)
        return np.where(shows_item, attraction[fold[:, None], self.items], 0.0)


@dataclass(frozen=True)
class Uniform:
    """Every order of a slate's candidates with the same probability.

    Attributes:
        candidates: of each of S slates, the item numbers.
    """

    candidates: Sequence[Ints]

    def conditional(self, slates: LoggedSlates) -> Floats:
        """Return one by the number of the candidates that are not above the slot."""
        above = np.arange(slates.items.shape[1])
        return np.where(slates.shown, 1 / np.maximum(self._sizes[:, None] - above, 1), 1.0)

    def marginal(self, slates: LoggedSlates) -> Floats:
        """Return one by the number of the candidates."""
        return np.where(slates.shown, 1 / self._sizes[:, None], 1.0)

    def expected(self, slates: LoggedSlates, attraction: Floats, fold: Ints) -> Floats:
        """Return the mean attraction of the candidates."""
        slate = np.repeat(np.arange(len(slates)), self._sizes)
        values = attraction[fold[slate], np.concatenate(self.candidates)]
        means = np.bincount(slate, values, len(slates)) / self._sizes
        return np.broadcast_to(means[:, None], slates.items.shape)

    @property
    def _sizes(self) -> Ints:
        return np.array([len(each) for each in self.candidates], dtype=np.int64)


@dataclass(frozen=True)
class ByPosition:
    """A policy that draws each slot alone, by its position.

    Attributes:
        probabilities: shape (P, I), of each item at each position from 1.
    """

    probabilities: Floats

    def conditional(self, slates: LoggedSlates) -> Floats:
        """Return the same as `marginal`: no slot depends on another."""
        return self.marginal(slates)

    def marginal(self, slates: LoggedSlates) -> Floats:
        """Return the probability at the slot's position."""
        drawn = self.probabilities[slates.positions - 1, slates.items]
        return np.where(slates.shown, drawn, 1.0)

    def expected(self, slates: LoggedSlates, attraction: Floats, fold: Ints) -> Floats:
        """Return the mean attraction over the items of each position."""
        means = attraction @ self.probabilities.T
        return means[fold[:, None], slates.positions - 1]

"""A model of rewards for doubly robust estimates: examination by position times attraction.

It is fitted out of fold: the prediction for a slate comes from the slates of other shoppers, so its
error is independent of the slate's rewards.  It may be wrong: the weights correct its error.
"""

from dataclasses import dataclass

import numpy as np

from training.metrics import Floats, Ints
from training.off_policy.policies import Policy
from training.off_policy.slates import LoggedSlates

FOLDS = 5

_PRIOR_REWARDS = 5.0
"""Rewards of an average item, added to those of each item: rare items count as average."""

_ROUNDS = 10
"""Alternations between the two factors; they settle within a few."""


@dataclass(frozen=True)
class RewardModel:
    """Expected rewards, by fold.

    Attributes:
        attraction: shape (F, I), relative to the average item.
        examination: shape (F, P), reward of an average item at each position from 1.
        fold: shape (S,), of each slate.
    """

    attraction: Floats
    examination: Floats
    fold: Ints

    @classmethod
    def fit(cls, slates: LoggedSlates) -> "RewardModel":
        """Fit one model for each fold of shoppers, on the slates of all other folds."""
        fold = slates.clusters % FOLDS
        shown = slates.shown
        of = np.broadcast_to(fold[:, None], shown.shape)[shown]
        cell = (of, slates.items[shown], slates.positions[shown] - 1)
        shape = (FOLDS, slates.item_count, int(slates.positions.max(initial=1)))
        counts, rewards = np.zeros(shape), np.zeros(shape)
        np.add.at(counts, cell, 1.0)
        np.add.at(rewards, cell, slates.rewards[shown])
        others = zip(counts.sum(0) - counts, rewards.sum(0) - rewards, strict=True)
        attraction, examination = zip(*(_factors(*each) for each in others), strict=True)
        return cls(np.stack(attraction), np.stack(examination), fold)

    def logged(self, slates: LoggedSlates) -> Floats:
        """Return the expected reward of each logged item in its slot, shape (S, K)."""
        attraction = self.attraction[self.fold[:, None], slates.items]
        return np.where(slates.shown, self._examined(slates) * attraction, 0.0)

    def expected(self, slates: LoggedSlates, policy: Policy) -> Floats:
        """Return the expected reward of what a policy shows in each slot, shape (S, K)."""
        attraction = policy.expected(slates, self.attraction, self.fold)
        return np.where(slates.shown, self._examined(slates) * attraction, 0.0)

    def _examined(self, slates: LoggedSlates) -> Floats:
        return self.examination[self.fold[:, None], slates.positions - 1]


def _factors(counts: Floats, rewards: Floats) -> tuple[Floats, Floats]:
    """Fit rewards of shape (I, P) as counts * attraction * examination, by turns.

    Returns:
        Attraction, shape (I,), shrunk towards 1; examination, shape (P,).
    """
    attraction = np.ones(len(counts))
    examination = np.zeros(counts.shape[1])
    for _ in range(_ROUNDS):
        expected = attraction @ counts
        examination = rewards.sum(axis=0) / np.where(expected > 0, expected, 1.0)
        average = counts @ examination
        attraction = (rewards.sum(axis=1) + _PRIOR_REWARDS) / (average + _PRIOR_REWARDS)
    return attraction, examination

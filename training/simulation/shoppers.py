"""Visits to the simulated shop: what is shown, what is looked at, what is wanted.

A shopper comes with something in mind, browses the home page or searches, looks at positions with
falling probability (examination), and clicks what is looked at and attractive.  The shop orders by
match and fame with noise; it knows nobody's taste, which is what a ranker has to win.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feature_repo.instants import DAY, HOUR, SECOND
from training.simulation.world import START, Floats, Ints, Items, Queries, Users

SHORTEST, LONGEST = 12, 20
"""Items of a slate."""

_HOURS = np.array([0] * 6 + [1, 2, 3, 4, 4, 4, 5, 5, 4, 4, 4, 5, 7, 9, 9, 7, 4, 2], dtype=float)
"""Visits by hour of the day; none before six."""
_RANKINGS_PER_VISIT = 1.8
_SEARCH_SHARE = 0.5
_ANONYMOUS_SHARE = 0.04
_EXAMINATION_DECAY = 0.25
_MATCH, _FAME = 4.0, 0.5
"""Weights of the shop's own order; its noise is Gumbel of scale 1."""


@dataclass(frozen=True)
class Slate:
    """One ranking of n items and what its shopper thought of it.

    Attributes:
        shown: shape (n,), item numbers, best position first.
        examination: shape (n,), probability that the position is looked at.
        attraction: shape (n,), click probability once looked at.
        clicked: shape (n,), whether it was clicked.
    """

    t: int
    visit: int
    user: int
    anonymous: bool
    query: int | None
    shown: Ints
    examination: Floats
    attraction: Floats
    clicked: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Shoppers:
    """The users in the shop, with one stream of chance."""

    rng: np.random.Generator
    items: Items
    users: Users
    queries: Queries

    def slates(self, days: int, rankings_per_user_day: float) -> Iterator[Slate]:
        """All slates of all visits; in time order within a visit only."""
        rng, users = self.rng, self.users
        wanted = len(users.ids) * days * rankings_per_user_day / _RANKINGS_PER_VISIT
        for visit in range(max(1, round(wanted))):
            user = int(rng.choice(len(users.ids), p=users.activity))
            focus = int(rng.choice(users.taste.shape[1], p=users.taste[user]))
            anonymous = bool(rng.random() < _ANONYMOUS_SHARE)
            t = self._arrival(days)
            for _ in range(1 + rng.poisson(_RANKINGS_PER_VISIT - 1)):
                yield self._slate(t, visit, user, focus, anonymous)
                t += int(rng.integers(120 * SECOND, 600 * SECOND))

    def _arrival(self, days: int) -> int:
        hour = self.rng.choice(24, p=_HOURS / _HOURS.sum())
        day = self.rng.integers(days)
        return int(START + day * DAY + hour * HOUR + self.rng.integers(HOUR))

    def _slate(self, t: int, visit: int, user: int, focus: int, anonymous: bool) -> Slate:
        query = self._query(focus) if self.rng.random() < _SEARCH_SHARE else None
        shown = self._shown(t, query)
        examination = np.arange(1, shown.size + 1.0) ** -_EXAMINATION_DECAY
        attraction = self._attraction(user, focus, query, shown, t)
        clicked = self.rng.random(shown.size) < examination * attraction
        return Slate(t, visit, user, anonymous, query, shown, examination, attraction, clicked)

    def _query(self, focus: int) -> int:
        about = np.where(self.queries.category == focus, 1.0, 0.02)
        weight = self.queries.frequency * np.where(self.queries.category < 0, 0.2, about)
        return int(self.rng.choice(weight.size, p=weight / weight.sum()))

    def _shown(self, t: int, query: int | None) -> Ints:
        """The shop's slate: Gumbel noise makes it a Plackett-Luce draw."""
        score = _FAME * self.items.fame + self.rng.gumbel(size=len(self.items.ids))
        if query is not None:
            score = score + _MATCH * self.queries.match[query]
        score = np.where(self.items.on_sale(t), score, -np.inf)
        size = min(int(self.rng.integers(SHORTEST, LONGEST + 1)), int(np.isfinite(score).sum()))
        return np.argsort(-score, kind="stable")[:size]

    def _attraction(self, user: int, focus: int, query: int | None, shown: Ints, t: int) -> Floats:
        items, users = self.items, self.users
        category = items.category[shown]
        cheaper = np.log(items.price_at(t)[shown] / items.price[shown])
        off_budget = np.abs(items.level[shown] + cheaper - users.budget[user])
        wish = (
            -3.0
            + 3.5 * np.sqrt(users.taste[user, category])
            + 0.8 * (category == focus)
            + 1.2 * users.affinity[user, items.brand[shown]]
            + 0.9 * items.quality[shown]
            - 0.6 * users.thrift[user] * off_budget
        )
        if query is not None:
            wish = wish + 2.0 * self.queries.match[query, shown] - 1.5
        return np.asarray(1 / (1 + np.exp(-wish)), dtype=np.float64)

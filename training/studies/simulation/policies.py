"""Logging policies: the candidates of each request and their scores."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from training.metrics import Bools, Floats, Ints, gumbel, noise
from training.studies.simulation.day import Day

Scores = Callable[[Day, Ints, Ints, Ints], Floats]
"""A policy: (day, users (R,), intents (R,), items (R, C)) → scores (R, C), higher is better."""

HOME_POOLS = 32
"""Candidate pools of a day's home page in each market; a home page does not rank every item."""

_MATCH, _FAME = 4.0, 0.5
_SCORE_ERROR = 0.3
"""Standard deviation of the strong policy's error about an item."""
_DEFAULT_TEMPERATURES = {"weak": 1.0, "strong": 0.25, "random": 1.0}

PoolScores = Callable[[Day, Ints, Ints], Floats]


def weak(day: Day, intents: Ints, items: Ints) -> Floats:
    """Score by text match and by fame, which is a noisy estimate of quality."""
    match = day.intents.match(day.items, intents[:, None], items)
    return np.asarray(_MATCH * match + _FAME * day.items.fame[items])


def strong(day: Day, intents: Ints, items: Ints) -> Floats:
    """Score by the utility for an average user, with a fixed error per item."""
    uniform = noise(np.uint64(21), day.items.key[items])
    error = _SCORE_ERROR * np.sqrt(12) * (uniform - 0.5)
    return np.asarray(day.average_utility(intents, items) + error)


def random(_day: Day, _intents: Ints, items: Ints) -> Floats:
    """Score every item 0."""
    return np.zeros(items.shape)


_SCORES: dict[str, PoolScores] = {"weak": weak, "strong": strong, "random": random}


def temperature_of(day: Day) -> float:
    """Return the scale of the logging policy's Gumbel noise."""
    temperature, policy = day.config.temperature, day.config.policy
    default = 1.0 if callable(policy) else _DEFAULT_TEMPERATURES[policy]
    return default if temperature is None else temperature


class Pools:
    """The candidate pools of one day.

    In each market there is a pool for each intent and `HOME_POOLS` pools for the home page.  A pool
    is filled at its first use; its items do not depend on the time of that use.
    """

    def __init__(self, day: Day) -> None:
        self.day = day
        self._slots = len(day.intents) + HOME_POOLS
        shape = (len(day.config.markets) * self._slots, day.config.pool)
        self._items = np.full(shape, -1)
        self._scores = np.full(shape, -np.inf)
        self._filled = np.zeros(shape[0], bool)

    def number(self, markets: Ints, intents: Ints, uniforms: Floats) -> Ints:
        """Return the pool number of each request, shape (R,); a home page draws its pool."""
        home = len(self.day.intents) + (uniforms * HOME_POOLS).astype(np.int64)
        return markets * self._slots + np.where(intents >= 0, intents, home)

    def items(self, pools: Ints) -> Ints:
        """Return the candidates, shape (R, C), padded with -1."""
        distinct = np.unique(pools)
        for pool in distinct[~self._filled[distinct]]:
            self._fill(int(pool))
        return np.asarray(self._items[pools])

    def scores(self, pools: Ints, users: Ints) -> Floats:
        """Return the policy's scores of the candidates, shape (R, C), padded with -inf."""
        policy = self.day.config.policy
        if not callable(policy):
            self.items(pools)
            return np.asarray(self._scores[pools])
        items = self.items(pools)
        scores = policy(self.day, users, self._intents(pools), np.maximum(items, 0))
        return np.where(items >= 0, scores, -np.inf)

    def _intents(self, pools: Ints) -> Ints:
        slots = pools % self._slots
        return np.where(slots < len(self.day.intents), slots, -1)

    def _fill(self, pool: int) -> None:
        market, slot = divmod(pool, self._slots)
        intent = int(self._intents(np.array([pool]))[0])
        candidates = self._candidates(self.day.for_sale[market], intent)
        value = weak(self.day, np.array([intent]), candidates[None, :])[0]
        # The noise of a search pool is the same every day; a home page pool changes every day.
        seed = np.uint64(slot if intent >= 0 else (self.day.number + 1) << 16 | slot)
        value += gumbel(seed, self.day.items.key[candidates])
        best = np.sort(candidates[np.argsort(-value, kind="stable")[: self._items.shape[1]]])
        self._items[pool, : best.size] = best
        policy = self.day.config.policy
        if not callable(policy):
            scores = _SCORES[policy](self.day, np.array([intent]), best[None, :])[0]
            self._scores[pool, : best.size] = scores
        self._filled[pool] = True

    def _candidates(self, for_sale: Ints, intent: int) -> Ints:
        """Return the items that may match the intent; all items if there are too few for a pool."""
        if intent < 0:
            return for_sale
        matching = for_sale[self._matches(self._attribute[intent])[for_sale]]
        return matching if matching.size >= self._items.shape[1] else for_sale

    @cached_property
    def _attribute(self) -> list[tuple[str, int]]:
        """Name and code of the attribute that selects candidates of each intent."""
        intents = self.day.intents
        columns = zip(
            intents.category.tolist(), intents.brand.tolist(), intents.colour.tolist(), strict=True
        )
        attributes: list[tuple[str, int]] = []
        for category, brand, colour in columns:
            if category >= 0:
                attributes.append(("category", category))
            elif brand >= 0:
                attributes.append(("brand", brand))
            else:
                attributes.append(("colour", colour))
        return attributes

    def _matches(self, attribute: tuple[str, int]) -> Bools:
        name, code = attribute
        return np.asarray(getattr(self.day.items, name) == code)

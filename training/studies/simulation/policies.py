"""What ranks for the log: candidates for each request, and their scores."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from training.metrics import Bools, Floats, Ints, gumbel, noise
from training.studies.simulation.day import Day

HOME_POOLS = 32
"""Pools of a day's home page, in each market: the home page does not consider every item."""

_MATCH, _FAME = 4.0, 0.5
_IGNORANCE = 0.3
"""Standard deviation of what the strong policy gets wrong about an item."""
_OWN_TEMPERATURES = {"weak": 1.0, "strong": 0.25, "random": 1.0}

PoolScores = Callable[[Day, Ints, Ints], Floats]


def weak(day: Day, intents: Ints, items: Ints) -> Floats:
    """Match of words, and fame, which is a poor guess at quality."""
    match = day.intents.match(day.items, intents[:, None], items)
    return np.asarray(_MATCH * match + _FAME * day.items.fame[items])


def strong(day: Day, intents: Ints, items: Ints) -> Floats:
    """Nearly what an item is worth to a user of whom nothing is known."""
    uniform = noise(np.uint64(21), day.items.key[items])
    wrong = _IGNORANCE * np.sqrt(12) * (uniform - 0.5)
    return np.asarray(day.usual_utility(intents, items) + wrong)


def random(_day: Day, _intents: Ints, items: Ints) -> Floats:
    """Nothing is better than anything."""
    return np.zeros(items.shape)


_SCORES: dict[str, PoolScores] = {"weak": weak, "strong": strong, "random": random}


def temperature_of(day: Day) -> float:
    """The scale of noise of the policy that makes the log."""
    given, policy = day.config.temperature, day.config.policy
    own = 1.0 if callable(policy) else _OWN_TEMPERATURES[policy]
    return own if given is None else given


class Pools:
    """The candidates of one day.

    There is a pool for each intent and `HOME_POOLS` for the home page, in each market; each is
    made when it is first asked for, and does not depend on when that is.
    """

    def __init__(self, day: Day) -> None:
        self.day = day
        self._slots = len(day.intents) + HOME_POOLS
        shape = (len(day.config.markets) * self._slots, day.config.pool)
        self._items = np.full(shape, -1)
        self._scores = np.full(shape, -np.inf)
        self._made = np.zeros(shape[0], bool)

    def number(self, markets: Ints, intents: Ints, uniforms: Floats) -> Ints:
        """Shape (R,): the pool of each request; the home page draws one of its own."""
        home = len(self.day.intents) + (uniforms * HOME_POOLS).astype(np.int64)
        return markets * self._slots + np.where(intents >= 0, intents, home)

    def items(self, pools: Ints) -> Ints:
        """Shape (R, C): candidates, -1 where there are no more."""
        wanted = np.unique(pools)
        for pool in wanted[~self._made[wanted]]:
            self._make(int(pool))
        return np.asarray(self._items[pools])

    def scores(self, pools: Ints, users: Ints) -> Floats:
        """Shape (R, C): the policy's scores of the candidates, -inf where there are no more."""
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

    def _make(self, pool: int) -> None:
        market, slot = divmod(pool, self._slots)
        intent = int(self._intents(np.array([pool]))[0])
        found = self._candidates(self.day.for_sale[market], intent)
        value = weak(self.day, np.array([intent]), found[None, :])[0]
        # A search finds the same all day and every day; the home page brings something new.
        seed = np.uint64(slot if intent >= 0 else (self.day.number + 1) << 16 | slot)
        value += gumbel(seed, self.day.items.key[found])
        best = np.sort(found[np.argsort(-value, kind="stable")[: self._items.shape[1]]])
        self._items[pool, : best.size] = best
        policy = self.day.config.policy
        if not callable(policy):
            scores = _SCORES[policy](self.day, np.array([intent]), best[None, :])[0]
            self._scores[pool, : best.size] = scores
        self._made[pool] = True

    def _candidates(self, for_sale: Ints, intent: int) -> Ints:
        """Of a large shop only what may match."""
        if intent < 0:
            return for_sale
        kind = self._kind[intent]
        near = for_sale[self._kinds(kind)[for_sale]]
        return near if near.size >= self._items.shape[1] else for_sale

    @cached_property
    def _kind(self) -> list[tuple[str, int]]:
        intents = self.day.intents
        columns = zip(
            intents.category.tolist(), intents.brand.tolist(), intents.colour.tolist(), strict=True
        )
        return [
            ("category", category)
            if category >= 0
            else ("brand", brand)
            if brand >= 0
            else ("colour", colour)
            for category, brand, colour in columns
        ]

    def _kinds(self, kind: tuple[str, int]) -> Bools:
        name, code = kind
        return np.asarray(getattr(self.day.items, name) == code)

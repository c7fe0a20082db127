"""Exploration: what a list shows by chance, how likely that was, and what it was drawn from.

Either slots: now and then one shows an item from below the page.  With share ε a slot swaps its
item for one drawn evenly among M: itself and its part of those below the page, which the slots
divide among them.  The item that ranks there is shown with propensity 1 − ε + ε/M, any of the
others with ε/M; an item in no slot has 1.  Swapping leaves every other place as it is.

Or whole pages, of a share of the lists: a Plackett-Luce draw from −ln(place) at a temperature,
which means the same whatever ranks.  Pinned items stay; what follows a page keeps its order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from serving.query import Exploration
from training.metrics import gumbel_top_k, item_numbers


@dataclass(frozen=True)
class Draw:
    """What chance was drawn from.

    Attributes:
        seed: 63 bits.
        temperature: of the noise, where a whole page was drawn.
        scores: what the noise was added to, by place among the candidates.
    """

    seed: int
    temperature: float | None = None
    scores: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Explored:
    """An order, and how likely each place's item was to stand there; 1 where nothing is said.

    Attributes:
        draw: None where chance had no say.
    """

    order: list[int]
    propensities: Mapping[int, float] = field(default_factory=dict)
    draw: Draw | None = None


def explored(
    order: Sequence[int],
    item_ids: Sequence[str],
    size: int,
    plan: Exploration,
    seed: int,
    pinned: frozenset[int],
) -> Explored:
    """Let chance change an order.

    Args:
        order: places among the candidates, best first.
        item_ids: of the candidates.
        size: of a page; what lies below it may be drawn.
        plan: share, and slots or temperature.
        seed: equal seeds, equal draws, so that the pages of one list fit together.
        pinned: places that stay where they are.
    """
    if plan.temperature is None:
        return _swapped(order, size, plan, seed, pinned)
    free = [n for n in order if n not in pinned]
    wanted = sum(n not in pinned for n in order[:size])
    if not wanted or Random(seed).random() >= plan.share:
        return Explored(list(order))
    scores = -np.log(np.arange(1, len(free) + 1))
    chosen, likely = gumbel_top_k(
        scores[None],
        item_numbers([item_ids[n] for n in free])[None],
        np.array([seed], np.uint64),
        np.array([plan.temperature]),
        wanted,
    )
    drawn = [free[n] for n in chosen[0]]
    left = iter([*drawn, *(n for n in free if n not in set(drawn))])
    return Explored(
        [n if n in pinned else next(left) for n in order],
        dict(zip(drawn, likely[0].tolist(), strict=True)),
        Draw(seed, plan.temperature, dict(zip(drawn, scores[chosen[0]].tolist(), strict=True))),
    )


def _swapped(
    order: Sequence[int], size: int, plan: Exploration, seed: int, pinned: frozenset[int]
) -> Explored:
    swapped = list(order)
    slots = [s - 1 for s in plan.slots if s <= size and s <= len(order) and plan.share > 0]
    slots = [slot for slot in slots if swapped[slot] not in pinned]
    below = [n for n in range(size, len(swapped)) if swapped[n] not in pinned]
    draws = Random(seed)
    propensities: dict[int, float] = {}
    for number, slot in enumerate(slots):
        pool = below[number :: len(slots)]
        drawn = draws.random() < plan.share and draws.randrange(len(pool) + 1)
        if drawn:
            place = pool[drawn - 1]
            swapped[slot], swapped[place] = swapped[place], swapped[slot]
        stays = 0.0 if drawn else 1 - plan.share
        propensities[swapped[slot]] = stays + plan.share / (len(pool) + 1)
    return Explored(swapped, propensities, Draw(seed) if slots else None)

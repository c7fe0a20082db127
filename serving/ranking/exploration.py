"""Exploration: random changes of a list, with the propensity of every shown item.

Exploration of slots: with share ε, a slot swaps its item for one drawn uniformly from a pool of M:
the item itself and the slot's part of the items below the page.  The ranked item is shown with
propensity 1 − ε + ε/M, each other item of the pool with ε/M.  All other slots keep their items.

Exploration of pages: a share of the lists draws its whole first page from a Plackett-Luce
distribution over −ln(rank) at a temperature, so a temperature means the same for every ranker.
Pinned items stay, and the items below the page keep their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from training.metrics import gumbel_top_k, item_numbers
from training.rules import Exploration


@dataclass(frozen=True)
class Draw:
    """A random draw.

    Attributes:
        seed: 63 bits.
        temperature: of the noise; None where slots were explored.
        scores: by position among the candidates, before the noise was added.
    """

    seed: int
    temperature: float | None = None
    scores: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Explored:
    """An order after exploration.

    Attributes:
        propensities: by position, probability that the item is shown in its slot; 1 where absent.
        draw: None where nothing was drawn.
    """

    order: list[int]
    propensities: Mapping[int, float] = field(default_factory=dict)
    draw: Draw | None = None


def explore(
    order: Sequence[int],
    item_ids: Sequence[str],
    size: int,
    plan: Exploration,
    seed: int,
    pinned: frozenset[int],
) -> Explored:
    """Change an order at random.

    Args:
        order: positions among the candidates, best first.
        item_ids: of the candidates.
        size: of a page; the items below the first page may be drawn into its slots.
        plan: share, and slots or temperature.
        seed: equal seeds give equal draws, so the pages of one list fit together.
        pinned: positions that keep their slots.
    """
    if plan.temperature is None:
        return _explore_slots(order, size, plan, seed, pinned)
    return _explore_page(order, item_ids, size, plan.share, plan.temperature, seed, pinned)


def _explore_page(
    order: Sequence[int],
    item_ids: Sequence[str],
    size: int,
    share: float,
    temperature: float,
    seed: int,
    pinned: frozenset[int],
) -> Explored:
    free = [n for n in order if n not in pinned]
    free_slots = sum(n not in pinned for n in order[:size])
    if not free_slots or Random(seed).random() >= share:
        return Explored(list(order))
    scores = -np.log(np.arange(1, len(free) + 1))
    selected, propensities = gumbel_top_k(
        scores[None],
        item_numbers([item_ids[n] for n in free])[None],
        np.array([seed], np.uint64),
        np.array([temperature]),
        free_slots,
    )
    drawn = [free[n] for n in selected[0]]
    drawn_set = set(drawn)
    filling = iter([*drawn, *(n for n in free if n not in drawn_set)])
    return Explored(
        [n if n in pinned else next(filling) for n in order],
        dict(zip(drawn, propensities[0].tolist(), strict=True)),
        Draw(seed, temperature, dict(zip(drawn, scores[selected[0]].tolist(), strict=True))),
    )


def _explore_slots(
    order: Sequence[int], size: int, plan: Exploration, seed: int, pinned: frozenset[int]
) -> Explored:
    swapped = list(order)
    slots = [s - 1 for s in plan.slots if s <= size and s <= len(order) and plan.share > 0]
    slots = [slot for slot in slots if swapped[slot] not in pinned]
    below = [rank for rank in range(size, len(swapped)) if swapped[rank] not in pinned]
    random = Random(seed)
    propensities: dict[int, float] = {}
    for number, slot in enumerate(slots):
        pool = below[number :: len(slots)]
        # 0 keeps the ranked item; n swaps it with the n-th item of the pool.
        drawn = random.random() < plan.share and random.randrange(len(pool) + 1)
        if drawn:
            rank = pool[drawn - 1]
            swapped[slot], swapped[rank] = swapped[rank], swapped[slot]
        unexplored = 0.0 if drawn else 1 - plan.share
        propensities[swapped[slot]] = unexplored + plan.share / (len(pool) + 1)
    return Explored(swapped, propensities, Draw(seed) if slots else None)

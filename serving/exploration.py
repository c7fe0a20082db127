"""Exploration: a slot now and then shows an item from below the page, and says how likely that was.

With share ε a slot swaps its item for one drawn evenly among M: itself and its part of those below
the page, which the slots divide among them.  The item that ranks there is shown with propensity
1 − ε + ε/M, any of the others with ε/M; an item in no slot has 1.  Swapping leaves every other
place as it is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from serving.rules import Exploration


@dataclass(frozen=True)
class Explored:
    """An order, and how likely each place's item was to stand there; 1 where nothing is said."""

    order: list[int]
    propensities: dict[int, float] = field(default_factory=dict)


def explored(
    order: Sequence[int], size: int, plan: Exploration, seed: str, pinned: frozenset[int]
) -> Explored:
    """Swap the items of slots.

    Args:
        order: places among the candidates, best first.
        size: of a page; what lies below it may be drawn.
        plan: share and slots.
        seed: equal seeds, equal draws, so that the pages of one list fit together.
        pinned: places that stay where they are.
    """
    swapped = list(order)
    slots = [s - 1 for s in plan.slots if s <= size and s <= len(order) and plan.share > 0]
    slots = [slot for slot in slots if swapped[slot] not in pinned]
    below = [n for n in range(size, len(swapped)) if swapped[n] not in pinned]
    draws = Random(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest())
    propensities: dict[int, float] = {}
    for number, slot in enumerate(slots):
        pool = below[number :: len(slots)]
        drawn = draws.random() < plan.share and draws.randrange(len(pool) + 1)
        if drawn:
            place = pool[drawn - 1]
            swapped[slot], swapped[place] = swapped[place], swapped[slot]
        stays = 0.0 if drawn else 1 - plan.share
        propensities[swapped[slot]] = stays + plan.share / (len(pool) + 1)
    return Explored(swapped, propensities)

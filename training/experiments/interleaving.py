"""Interleaving: one page of the orders of two rankers, so that a click compares them.

Team draft (Radlinski, Kurup and Joachims, CIKM 2008): in each round a coin says which ranking takes
its best remaining item first; then the other takes its own.  An item that both would have taken
says nothing about either, so it belongs to none (as in Chapelle, Joachims, Radlinski and Yue, TOIS
2012).  A coin therefore changes at most two positions of a page, and a click on any position counts
for either ranking with the same probability, if shoppers do not look at the items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Side = Literal[0, 1]
"""The ranking of the control, or that of the candidate."""


@dataclass(frozen=True)
class Draft:
    """The positions of a page that two rankings filled.

    Attributes:
        items: one for each position, best first.
        sides: whose ranking took each item; None where both would have.
        propensities: probability of each item at its position, given the items above it; their
            product is the probability of the page.
    """

    items: list[int]
    sides: list[Side | None]
    propensities: list[float]


def team_draft(rankings: tuple[Sequence[int], Sequence[int]], slots: int, seed: int) -> Draft:
    """Fill the slots of a page from two rankings.

    Args:
        rankings: of the control and of the candidate; the same N items, best first.
        slots: of the page, at most N.
        seed: equal seeds and rankings give equal pages.
    """
    random, taken = Random(seed), set[int]()
    ahead = [iter(ranking) for ranking in rankings]
    tops = [next(each, None) for each in ahead]
    page = Draft([], [], [])
    while len(page.items) < slots:
        turns: tuple[Side, Side] = (1, 0) if random.getrandbits(1) else (0, 1)
        is_decided = False
        for side in turns[: slots - len(page.items)]:
            for n in (0, 1):
                while tops[n] in taken:
                    tops[n] = next(ahead[n], None)
            item = tops[side]
            assert item is not None
            # Once the items above show whose coin it was, the second item of a round is certain.
            is_open = not is_decided and tops[0] != tops[1]
            page.items.append(item)
            page.sides.append(side if is_open or is_decided else None)
            page.propensities.append(0.5 if is_open else 1.0)
            is_decided = is_decided or is_open
            taken.add(item)
    return page

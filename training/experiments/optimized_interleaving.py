"""Optimized interleaving: the most telling distribution over pages in which a click is unbiased.

Radlinski and Craswell (Optimized interleaving for online retrieval evaluation, WSDM 2013).  Each
position of an allowed page has the best remaining item of either ranking, so that no shopper gets
an item which both rank below one that is missing.  Where the two items differ, the position counts
for the ranking that put its own there; where they are one, for none.  A linear program gives each
page a probability: every position counts for either ranking equally often, so a shopper who clicks
without looking at the items prefers none; and among all such distributions it takes the one that
expects the most of a click, in bits.  Clicks fall with the position, as 1 / position.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from training.experiments.interleaving import Draft, Side

MOST_DRAFTED = 10
"""Positions that the program fills; further ones have the order of the control and no side.  Each
may double the number of pages."""

_NEVER = 1e-9
"""A probability below it is an error of rounding."""


@dataclass(frozen=True)
class Page:
    """An allowed page of K positions, and its probability."""

    items: tuple[int, ...]
    sides: tuple[Side | None, ...]
    probability: float = 0.0


def optimized_draft(rankings: tuple[Sequence[int], Sequence[int]], slots: int, seed: int) -> Draft:
    """Fill the slots of a page from two rankings.

    Args:
        rankings: of the control and of the candidate; the same N items, best first.
        slots: of the page, at most N.
        seed: equal seeds and rankings give equal pages.
    """
    pages = optimized_pages(rankings, min(slots, MOST_DRAFTED))
    weights = [page.probability for page in pages]
    (drawn,) = Random(seed).choices(pages, weights)
    propensities, possible = [], pages
    for at, item in enumerate(drawn.items):
        remaining = [page for page in possible if page.items[at] == item]
        propensities.append(_total(remaining) / _total(possible))
        possible = remaining
    used = frozenset(drawn.items)
    rest = [item for item in rankings[0] if item not in used][: slots - len(drawn.items)]
    return Draft(
        [*drawn.items, *rest],
        [*drawn.sides, *[None] * len(rest)],
        [*propensities, *[1.0] * len(rest)],
    )


def optimized_pages(rankings: tuple[Sequence[int], Sequence[int]], slots: int) -> list[Page]:
    """Return the pages that may be drawn, with their probabilities.

    Args:
        rankings: as in `optimized_draft`.
        slots: at most MOST_DRAFTED.
    """
    from scipy.optimize import linprog

    pages = list(_allowed(rankings, slots, (), ()))
    if len(pages) == 1:
        return [Page(pages[0].items, pages[0].sides, 1.0)]
    signs = np.array([[_SIGN[side] for side in page.sides] for page in pages])
    solved = linprog(
        -sensitivity(signs),
        A_eq=np.vstack([signs.T, np.ones(len(pages))]),
        b_eq=np.append(np.zeros(slots), 1.0),
    )
    # A fair coin at each position meets the conditions, so there is a solution.
    assert solved.success, solved.message
    shares = np.where(solved.x > _NEVER, solved.x, 0.0)
    shares /= shares.sum()
    return [
        Page(page.items, page.sides, float(share))
        for page, share in zip(pages, shares, strict=True)
        if share > 0
    ]


def sensitivity(signs: np.ndarray) -> np.ndarray:
    """Return how many bits a click on each page is expected to say about who is better.

    Args:
        signs: shape (P, K): -1 for a position of the control, 1 for the candidate, 0 for neither.
    """
    weights = 1 / np.arange(1, signs.shape[1] + 1)
    weights /= weights.sum()
    parts = np.stack([(signs == sign) @ weights for sign in (-1, 1)])
    decided = parts.sum(axis=0)
    shares = np.divide(parts, decided, out=np.zeros_like(parts), where=decided > 0)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-decided * (shares * logs).sum(axis=0))


_SIGN: dict[Side | None, float] = {None: 0.0, 0: -1.0, 1: 1.0}


def _allowed(
    rankings: tuple[Sequence[int], Sequence[int]],
    slots: int,
    items: tuple[int, ...],
    sides: tuple[Side | None, ...],
) -> Iterator[Page]:
    """Yield each allowed page that begins with some items."""
    if len(items) == slots:
        yield Page(items, sides)
        return
    one, other = (next(item for item in each if item not in items) for each in rankings)
    if one == other:
        yield from _allowed(rankings, slots, (*items, one), (*sides, None))
        return
    yield from _allowed(rankings, slots, (*items, one), (*sides, 0))
    yield from _allowed(rankings, slots, (*items, other), (*sides, 1))


def _total(pages: Sequence[Page]) -> float:
    return sum(page.probability for page in pages)

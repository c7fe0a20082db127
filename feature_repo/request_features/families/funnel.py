"""How far shoppers go: rates of the steps to an order, each drawn towards what is usual.

A query's searches may end at once, where they find nothing.

What is usual is the market's own rate as of the last midnight, so a rate is missing while the
market has none.  Their support is in the stored counts.
"""

import numpy as np

from feature_repo.request_features.context import (
    EVER,
    MONTH,
    Counts,
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
    measure_indexes,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.stored import WINDOWS
from feature_repo.shop import Shop

STRENGTH = 20.0
"""Events that the market's rate is worth: rates of purchases are rarely above a few percent."""

STEPS = ("cart", "order", "return", "click", "order", "zero_result")
_TAKEN = ("carts", "orders", "returns", "clicks", "orders", "zero_results")
_ABLE = ("clicks", "clicks", "orders", "searches", "searches", "searches")
_ABLE_OF_MARKET = (*_ABLE[:-1], "queries")
"""Of a market's slates only those for a query can be of a search that finds nothing."""
_SOLD = slice(2, 3)

_ENTITIES = {"item": slice(0, 3), "user": slice(0, 3), "query": slice(3, 6)}
"""Whose steps are which: the first follow a click, or a purchase; the last a search."""

_LONG = WINDOWS[MONTH:]


def funnel(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`funnel__item_<step>_<window>`, `funnel__user_…`, `funnel__query_…`."""
    shares = rates(context.counts)
    return [
        Block(
            named("funnel__{}_{}_{}", (entity,), STEPS[steps], _LONG),
            entity_slice(shares[steps], entity),
        )
        for entity, steps in _ENTITIES.items()
    ]


def rates(counts: Counts) -> Floats:
    """Shares that took each of `STEPS` in each long window, (s · usual + taken) / (s + able).

    Shape (steps, windows, N + 3); NaN where nothing is usual.
    """
    taken, able = _steps(counts.evidence[:, MONTH:])
    took, could = _steps(entity_slice(counts.table[:, EVER:], "market"), _ABLE_OF_MARKET)
    usual = took / could
    believed = STRENGTH * np.where(usual > 0, usual, np.nan)
    shares: Floats = (believed + taken) / (STRENGTH + able)
    return shares


def _steps(counts: Floats, of: tuple[str, ...] = _ABLE) -> tuple[Floats, Floats]:
    """Who took each step, and who could: what was sold is what was ordered, kept or not."""
    taken, able = counts[measure_indexes(_TAKEN)], counts[measure_indexes(of)]
    able[_SOLD] += counts[measure_indexes(("returns",))]
    return taken, able

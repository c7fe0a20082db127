"""Rates of the steps to an order, smoothed toward the market's rate.

The market's rate is as of the last midnight; without one the feature is missing.  The support of
each rate is in the stored counts.  An empty search counts as a step of its query.
"""

import numpy as np

from feature_repo.request_features.context import (
    EVER_INDEX,
    MONTH_INDEX,
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
"""Weight of the market's rate, in events: purchase rates are rarely above a few percent."""

STEPS = ("cart", "order", "return", "click", "order", "zero_result")
_NUMERATORS = ("carts", "orders", "returns", "clicks", "orders", "zero_results")
_DENOMINATORS = ("clicks", "clicks", "orders", "searches", "searches", "searches")
_DENOMINATORS_OF_MARKET = (*_DENOMINATORS[:-1], "queries")
"""Only slates for a query can be empty searches of a market."""
_SOLD = slice(2, 3)

_ENTITIES = {"item": slice(0, 3), "user": slice(0, 3), "query": slice(3, 6)}
"""Entity → its steps: the first three follow a click or a purchase, the others a search."""

_LONG = WINDOWS[MONTH_INDEX:]


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
    """Return the rate of each of `STEPS` in each long window, (s · market + taken) / (s + able).

    Shape (steps, windows, N + 3); NaN without a rate of the market.
    """
    numerators, denominators = _steps(counts.evidence[:, MONTH_INDEX:])
    market_numerators, market_denominators = _steps(
        entity_slice(counts.table[:, EVER_INDEX:], "market"), _DENOMINATORS_OF_MARKET
    )
    market_rates = market_numerators / market_denominators
    prior_events = STRENGTH * np.where(market_rates > 0, market_rates, np.nan)
    shares: Floats = (prior_events + numerators) / (STRENGTH + denominators)
    return shares


def _steps(counts: Floats, of: tuple[str, ...] = _DENOMINATORS) -> tuple[Floats, Floats]:
    """Events that took each step and events that could have; items sold include returned items."""
    numerators, denominators = counts[measure_indexes(_NUMERATORS)], counts[measure_indexes(of)]
    denominators[_SOLD] += counts[measure_indexes(("returns",))]
    return numerators, denominators

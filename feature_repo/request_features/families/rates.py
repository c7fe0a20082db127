"""Smoothed click rates of each candidate and of the user, by window.

Their support is in the stored counts.
"""

from feature_repo.request_features.context import (
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
    measure_indexes,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.stored import WINDOWS
from feature_repo.shop import Shop


def rates(context: RequestContext, _: Shop, prior: RatePrior) -> Columns:
    """`rate__item_<window>`, `rate__user_<window>`."""
    smoothed = click_rates(context, prior)
    return [
        Block(named("rate__{}_{}", (entity,), WINDOWS), entity_slice(smoothed, entity))
        for entity in ("item", "user")
    ]


def click_rates(context: RequestContext, prior: RatePrior) -> Floats:
    """Return the smoothed click rates of all entities, shape (windows, N + 3); read only."""
    key = "click rates", prior
    if key not in context.memo:
        context.memo[key] = prior.drawn(
            *context.counts.evidence[measure_indexes(("clicks", "impressions"))]
        )
    rates: Floats = context.memo[key]
    return rates

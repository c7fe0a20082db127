"""Trends: events per day in a short window relative to a longer window."""

import numpy as np

from feature_repo.request_features.context import (
    DAY_INDEX,
    EVER_INDEX,
    MONTH_INDEX,
    WEEK_INDEX,
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

_MEASURES = ("impressions", "clicks", "orders", "searches")
_ENTITIES = {"item": slice(0, 3), "user": slice(1, 2), "query": slice(3, 4)}
"""Entity → its measures."""

PAIRS = ("1d_7d", "7d_30d")
_SHARES = np.array([[1 / 7], [7 / 30]])
"""Length of the shorter window as a share of the longer one."""


def trend(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`trend__<entity>_<measure>_<short>_<long>`: logarithm of the ratio, 0 without a change."""
    trends = _trends(context.counts.each(*_MEASURES))
    return [
        Block(
            named("trend__{}_{}_{}", (entity,), _MEASURES[own], PAIRS),
            entity_slice(trends[own], entity),
        )
        for entity, own in _ENTITIES.items()
    ]


def _trends(counts: Floats) -> Floats:
    """Shape (measures, windows, …) to (measures, pairs, …).

    One event is added to each, which damps the trends of rare events.
    """
    short, long = counts[:, DAY_INDEX:MONTH_INDEX], counts[:, WEEK_INDEX:EVER_INDEX]
    trends: Floats = np.log((short + 1) / (long * _SHARES + 1))
    return trends

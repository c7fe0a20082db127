"""What is on its way up or down: a short window against a longer one, per day of each."""

import numpy as np

from feature_repo.request_features.context import (
    DAY,
    EVER,
    MONTH,
    WEEK,
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

_MEASURES = ("impressions", "clicks", "orders", "searches")
_ENTITIES = {"item": slice(0, 3), "user": slice(1, 2), "query": slice(3, 4)}
"""Whose measures are which."""

PAIRS = ("1d_7d", "7d_30d")
_SHARES = np.array([[1 / 7], [7 / 30]])
"""Of the longer window, that the shorter one is."""


def trend(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`trend__<entity>_<measure>_<short>_<long>`: logarithm of the ratio, 0 where nothing moves."""
    moved = _moved(context.counts.each(*_MEASURES))
    return [
        Block(
            named("trend__{}_{}_{}", (entity,), _MEASURES[own], PAIRS),
            entity_slice(moved[own], entity),
        )
        for entity, own in _ENTITIES.items()
    ]


def _moved(counts: Floats) -> Floats:
    """Shape (measures, windows, …) to (measures, pairs, …).

    One event is added to each, so that rare ones do not leap.
    """
    short, long = counts[:, DAY:MONTH], counts[:, WEEK:EVER]
    moved: Floats = np.log((short + 1) / (long * _SHARES + 1))
    return moved

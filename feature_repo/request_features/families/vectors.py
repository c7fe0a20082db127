"""Minimum, maximum, size and mean of a list of numbers."""

import math
from statistics import fmean

import numpy as np

from feature_repo.request_features.context import RatePrior, RequestContext, as_list
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

_NAMES = ("min", "max", "size", "mean")


def vectors(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`vector__<column>_<reduction>` of each vector field; an empty vector has only a size."""
    blocks = []
    for column in shop.columns_of("vector"):
        values = context.items.get(f"item_attributes__{column}", [None] * len(context.item_ids))
        table = np.array([*map(reductions, values)]).reshape(-1, len(_NAMES))
        blocks.append(Block(named("vector__{}_{}", (column,), _NAMES), table.T))
    return blocks


def reductions(vector: object) -> tuple[float, ...]:
    """Return minimum, maximum, size and mean of a vector; NaN if it is missing.

    >>> reductions([1.0, 2.0, 3.0]), reductions([])
    ((1.0, 3.0, 3.0, 2.0), (nan, nan, 0.0, nan))
    """
    numbers = as_list(vector)
    if vector is None or not numbers:
        return math.nan, math.nan, math.nan if vector is None else 0.0, math.nan
    return min(numbers), max(numbers), float(len(numbers)), fmean(numbers)

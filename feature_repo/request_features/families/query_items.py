"""Each candidate relative to the items that were clicked under the same query.

The categories, brands and prices of these items indicate the intent of the query.
"""

import math
from collections.abc import Sequence

import numpy as np

from feature_repo.request_features.context import (
    Floats,
    RatePrior,
    RequestContext,
    as_list,
    as_numbers,
    is_present,
    rounded_log,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.listed import Listed, numbers_of, split
from feature_repo.shop import Shop
from feature_repo.views import MINOR_UNITS

_VIEW = "query_clicked_items"
_ITEM = named("query_item__{}", ("weight", "share", "rank", "rate", "support"))


def query_items(context: RequestContext, shop: Shop, prior: RatePrior) -> Columns:
    """`query_item__weight`, `…_share` of the listed clicks, `…_rank` from 1, NaN if not listed.

    `…_rate` is the smoothed click rate of the item under the query, and `…_support` the impressions
    behind it; an item that is not listed has the prior's rate and weight 0.  All are NaN for an
    unknown query.
    `…_entropy` of the clicks, in nats; `…_<column>_share`: share of the clicks on items with one of
    the candidate's values; `…_to_price`: the candidate's price relative to their mean, a logarithm.
    """
    weights = as_numbers(as_list(context.query_row.get(f"{_VIEW}__clicked_item_weights")))
    blocks = [
        Block(_ITEM, _measured(context, weights, prior)),
        Block(("query_item__entropy",), [entropy(weights)]),
        Block(
            named("query_item__{}_share", shop.taste_columns),
            _intents(context, shop.taste_columns, weights),
        ),
    ]
    if shop.price_field:
        to_price = _to_price(context, shop.price_field.column, weights)
        blocks.append(Block(("query_item__to_price",), to_price))
    return blocks


def entropy(weights: Floats) -> float:
    """Return the entropy of a distribution given by its weights, in nats; NaN without weights."""
    if not weights.size:
        return math.nan
    shares = weights / weights.sum()
    return -float((shares * np.log(shares)).sum())


def _measured(context: RequestContext, weights: Floats, prior: RatePrior) -> Floats:
    """Shape (5, N) or (5, 1): `_ITEM` of the candidates."""
    if not is_present(context.query_row, _VIEW):
        nothing = math.nan
        return np.array([nothing, nothing, nothing, prior.smoothed(nothing, nothing), nothing])[
            :, None
        ]
    keys = as_list(context.query_row.get(f"{_VIEW}__clicked_item_keys"))[: weights.size]
    shown = as_numbers(as_list(context.query_row.get(f"{_VIEW}__clicked_item_impressions")))
    table = np.full((5, len(keys) + 1), np.nan)
    total = weights.sum()
    table[:2] = 0
    table[0, :-1], table[1, :-1] = weights, weights / total if total > 0 else weights
    table[2, :-1] = np.arange(1, len(keys) + 1)
    table[4, : shown[: len(keys)].size] = shown[: len(keys)]
    table[3] = prior.smoothed(table[0], table[4])
    index = {key: n for n, key in enumerate(keys)}
    return table[:, numbers_of(index, context.item_ids, len(keys))]


def _texts(context: RequestContext, column: str) -> list[object]:
    return as_list(context.query_row.get(f"{_VIEW}__item_{column}"))


def _intents(context: RequestContext, columns: Sequence[str], weights: Floats) -> Floats:
    """Shape (F, N): the highest share among a candidate's values in each field.

    NaN without a value; shape (F, 1) for an unknown query.
    """
    if not weights.size:
        return np.full((len(columns), 1), np.nan)
    candidates = context.taste_values(columns)
    listed = Listed.of([_texts(context, column)[: weights.size] for column in columns])
    shares = listed.weighed(weights) / weights.sum()
    return candidates.by_field(candidates.items.highest(shares[listed.numbers_in(candidates)]))


def _to_price(context: RequestContext, column: str, weights: Floats) -> Floats:
    own = rounded_log(context.item_numbers(f"item_attributes__{column}"))
    priced = [
        (int(values[0]), weight)
        for values, weight in zip(
            map(split, _texts(context, column)), weights.tolist(), strict=False
        )
        if values and int(values[0]) > 0
    ]
    prices, shares = np.array(priced, dtype=np.float64).reshape(-1, 2).T
    mean = np.sum(rounded_log(prices / MINOR_UNITS) * shares) / shares.sum() if priced else np.nan
    difference: Floats = own - mean
    return difference

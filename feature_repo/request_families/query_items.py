"""Each candidate against the items that were clicked under the same query.

What these items have in common is what the query means: its categories, its brands, its price.
"""

from collections import Counter

import numpy as np

from feature_repo.counters import MINOR_UNITS
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.recent import split
from feature_repo.shop import Shop
from feature_repo.slate_facts import (
    Floats,
    SlateFacts,
    as_list,
    as_numbers,
    is_present,
    looked_up,
)

_VIEW = "query_clicked_items"
_NAMES = ("weight", "share", "rank")


def query_items(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`query_item__weight`, `…_share` of the listed clicks, `…_rank` from 1, NaN if not listed.

    `…_rate` is the smoothed click rate of the item under the query, and `…_support` the impressions
    it rests on; of an item that is not listed, what is believed of any.  Such an item has weight 0;
    all are NaN where the query is not known.
    `…_entropy` of the clicks, in nats; `…_<column>_share`, of them on items that have one of the
    candidate's values; `…_to_price`, of the candidate against their mean, as logarithms.
    """
    keys, weights = _listed(facts)
    measured = _measured(facts, keys, weights)
    columns: dict[str, Floats | float] = {
        f"query_item__{name}": values for name, values in zip(_NAMES, measured, strict=True)
    }
    shown = _shown(facts, keys)
    columns["query_item__rate"] = prior.smoothed(columns["query_item__weight"], shown)
    columns["query_item__support"] = shown
    columns["query_item__entropy"] = entropy(weights)
    for field in shop.taste_fields:
        columns[f"query_item__{field.column}_share"] = _intent(facts, field.column, weights)
    if shop.price_field:
        columns["query_item__to_price"] = _to_price(facts, shop.price_field.column, weights)
    return columns


def entropy(weights: Floats) -> float:
    """Of a distribution given by its weights, in nats; NaN without any."""
    shares = weights / weights.sum()
    return float(-np.sum(shares * np.log(shares))) if weights.size else float("nan")


def _listed(facts: SlateFacts) -> tuple[list[str], Floats]:
    keys = as_list(facts.query_row.get(f"{_VIEW}__clicked_item_keys"))
    weights = as_numbers(as_list(facts.query_row.get(f"{_VIEW}__clicked_item_weights")))
    return keys[: weights.size], weights


def _measured(facts: SlateFacts, keys: list[str], weights: Floats) -> tuple[Floats, Floats, Floats]:
    if not is_present(facts.query_row, _VIEW):
        blank = facts.blank
        return blank, blank, blank
    rank = looked_up({key: n for n, key in enumerate(keys)}, facts.item_ids, np.nan)
    listed = looked_up(dict(zip(keys, weights.tolist(), strict=True)), facts.item_ids)
    total = weights.sum()
    return listed, listed / total if total > 0 else listed, rank + 1


def _shown(facts: SlateFacts, keys: list[str]) -> Floats:
    """Impressions of each candidate under the query; NaN if not listed."""
    shown = as_numbers(as_list(facts.query_row.get(f"{_VIEW}__clicked_item_impressions")))
    by_item = dict(zip(keys, shown.tolist(), strict=False))
    return looked_up(by_item, facts.item_ids, np.nan)


def _texts(facts: SlateFacts, column: str) -> list[list[str]]:
    return [split(text) for text in as_list(facts.query_row.get(f"{_VIEW}__item_{column}"))]


def _intent(facts: SlateFacts, column: str, weights: Floats) -> Floats:
    """The highest share among a candidate's values; NaN where it has none, or nothing is known."""
    candidates, clicks = facts.item_values(f"item_attributes__{column}"), Counter[str]()
    for values, weight in zip(_texts(facts, column), weights.tolist(), strict=False):
        for value in values:
            clicks[value] += weight
    if not weights.size:
        return np.full(candidates.sizes.size, np.nan)
    return candidates.highest(candidates.looked_up(clicks) / weights.sum())


def _to_price(facts: SlateFacts, column: str, weights: Floats) -> Floats:
    own = np.log(facts.item_numbers(f"item_attributes__{column}"))
    priced = [
        (int(values[0]), weight)
        for values, weight in zip(_texts(facts, column), weights.tolist(), strict=False)
        if values and int(values[0]) > 0
    ]
    prices, shares = np.array(priced, dtype=np.float64).reshape(-1, 2).T
    usual = np.sum(np.log(prices / MINOR_UNITS) * shares) / shares.sum() if priced else np.nan
    difference: Floats = own - usual
    return difference

"""Slices of the test split, which show the strengths and weaknesses of a ranker."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from feature_repo.views import GROUPS, PURCHASE_SERVICE
from training.dataset.format import Dataset
from training.metrics import slate_starts

Chosen = npt.NDArray[np.bool_]

ITEM, SHOP = "the item", "the shop"
"""The first and the last level of support for a click rate; groups are between them."""

HEAD_SEARCHES = 10
"""Minimum number of earlier searches of a head query."""

COLUMNS = ("market", "surface", "device")
MOST_VALUES = 8
"""Maximum number of slices of each column, for its most frequent values."""


def slices_of(data: Dataset) -> dict[str, Chosen]:
    """Return by name the slates of each slice, shape (Q,); skip slices without slates.

    A user or an item is cold before its first impression.  Slates are also split by the least
    supported click rate among the items with a gain: see `support_levels`.  Orders are split by
    whether the user bought before.
    """
    starts = slate_starts(data.column("qid"))
    if data.facts.feature_service == PURCHASE_SERVICE:
        bought_before = data.column("purchases__user_items")[starts] > 0
        return _with_slates({"ordered before": bought_before, "first order": ~bought_before})
    warm_user = data.column("user_engagement__impressions_all")[starts] > 0
    searches = data.column("query_engagement__searches_all")[starts]
    has_query = data.column("query_key")[starts] != None  # noqa: E711
    cold_item = _has_cold_target(data, starts)
    slices = {
        "warm user": warm_user,
        "cold user": ~warm_user,
        "a cold item chosen": cold_item,
        "only warm items chosen": ~cold_item,
        "head query": has_query & (searches >= HEAD_SEARCHES),
        "tail query": has_query & ~(searches >= HEAD_SEARCHES),
    }
    clicks = data.column("user_engagement__clicks_all")[starts] > 0
    slices["warm user without a click"] = warm_user & ~clicks
    slices |= _by_support(data, starts)
    for column in COLUMNS:
        slices |= _largest(column, data.column(column)[starts])
    return _with_slates(slices)


def _with_slates(slices: Mapping[str, Chosen]) -> dict[str, Chosen]:
    return {name: np.asarray(chosen, bool) for name, chosen in slices.items() if np.any(chosen)}


def support_levels(data: Dataset) -> dict[str, Chosen]:
    """Return level → items whose click rate it supports, shape (R,); each item has one level.

    An item's own impressions support its click rate if they weigh at least as much as the prior.
    Otherwise the impressions of its brand do, then of its category, then of the shop.
    """
    prior = data.facts.prior
    weight = prior.strength / prior.click_rate if prior.click_rate > 0 else np.inf
    remaining, levels = np.ones(data.size, bool), dict[str, Chosen]()
    supports = {ITEM: "item_engagement__impressions_all"}
    supports |= {f"its {group}": f"percentiles__{group}_support" for group in reversed(GROUPS)}
    for level, column in supports.items():
        supported = data.column(column).astype(np.float64) >= weight
        levels[level], remaining = remaining & supported, remaining & ~supported
    return levels | {SHOP: remaining}


def _by_support(data: Dataset, starts: npt.NDArray[np.int64]) -> dict[str, Chosen]:
    """Split slates by the last level among the items with a gain."""
    gains, slices = data.column("gain") > 0, dict[str, Chosen]()
    lower = np.zeros(starts.size, bool)
    for level, of_level in reversed(support_levels(data).items()):
        has_target = np.logical_or.reduceat(of_level & gains, starts)
        slices[f"chosen, click rate of {level}"] = has_target & ~lower
        lower |= has_target
    return slices


def _has_cold_target(data: Dataset, starts: npt.NDArray[np.int64]) -> Chosen:
    cold = ~(data.column("item_engagement__impressions_all") > 0)
    return np.logical_or.reduceat(cold & (data.column("gain") > 0), starts)


def _largest(column: str, values: npt.NDArray[np.object_]) -> dict[str, Chosen]:
    """Return slices of a column's most frequent values; none for a column with a single value.

    A slate without a value is in none of them.
    """
    present = values[values != None].astype(str)  # noqa: E711
    names, counts = np.unique(present, return_counts=True)
    if names.size < 2:
        return {}
    largest = names[np.argsort(-counts, kind="stable")[:MOST_VALUES]]
    return {f"{column} {name}": values == name for name in largest}

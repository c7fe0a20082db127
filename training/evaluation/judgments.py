"""Judgments of a dataset's rows: gains, revenue, surprise, category and item."""

import numpy as np
import numpy.typing as npt

from training.dataset import DEFAULT_GAINS, Dataset
from training.metrics import Floats, Ints, Slates, log2

IMPRESSIONS = "item_engagement__impressions_all"


def judgments(data: Dataset) -> Slates:
    """Return the slates of a dataset with the judgments of their rows."""
    gains, items = data.column("gain").astype(np.float64), _codes(data.column("item_id"))
    return Slates(
        qid=data.column("qid"),
        gains=gains,
        worth=_worth(data, gains),
        information=_information(data, items),
        groups=_groups(data),
        items=items,
    )


def _worth(data: Dataset, gains: Floats) -> Floats | None:
    """Shape (R,): the price of the bought items, in the shop's units; 0 for the others."""
    price, ordered = data.facts.roles.get("price"), data.column("ordered")
    if price is None:
        return None
    bought = gains >= DEFAULT_GAINS["purchase"] if None in ordered[:1] else ordered.astype(bool)
    paid: Floats = np.nan_to_num(data.column(price).astype(np.float64))
    return np.where(bought, paid, 0.0)


def _information(data: Dataset, items: Ints) -> Floats | None:
    """−log2 of the item's share of all impressions before the request, one added to each."""
    if IMPRESSIONS not in data.facts.columns:
        return None
    shown = np.nan_to_num(data.column(IMPRESSIONS).astype(np.float64)) + 1
    most = np.zeros(int(items.max(initial=-1)) + 1)
    np.maximum.at(most, items, shown)
    bits: Floats = -log2(shown / most.sum())
    return bits


def _groups(data: Dataset) -> Ints | None:
    categories = data.column("category")
    has_category = categories != None  # noqa: E711
    if not has_category.any():
        return None
    groups = np.full(data.size, -1, dtype=np.int64)
    groups[has_category] = _codes(categories[has_category])
    return groups


def _codes(texts: npt.NDArray[np.object_]) -> Ints:
    codes: Ints = np.unique(texts.astype(str), return_inverse=True)[1]
    return codes

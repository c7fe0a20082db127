"""Each candidate against the items that were clicked under the same query."""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts, as_list, as_numbers, is_present

_VIEW = "query_clicked_items"
_NAMES = ("weight", "share", "rank")


def query_items(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`query_item__weight`, `…_share` of the listed clicks, `…_rank` from 1, NaN if not listed.

    An item the query does not list has weight 0; all are NaN where the query is not known.
    """
    measured = _measured(facts)
    return {f"query_item__{name}": values for name, values in zip(_NAMES, measured, strict=True)}


def _measured(facts: SlateFacts) -> tuple[Floats, Floats, Floats]:
    if not is_present(facts.query_row, _VIEW):
        blank = np.full(len(facts.item_ids), np.nan)
        return blank, blank, blank
    keys = as_list(facts.query_row.get(f"{_VIEW}__clicked_item_keys"))
    weights = as_numbers(as_list(facts.query_row.get(f"{_VIEW}__clicked_item_weights")))
    place = {key: n for n, key in enumerate(keys[: weights.size])}
    rank = np.array([place.get(item, np.nan) for item in facts.item_ids], dtype=np.float64)
    listed = np.array([weights[place[i]] if i in place else 0.0 for i in facts.item_ids])
    total = weights.sum()
    return listed, listed / total if total > 0 else listed, rank + 1

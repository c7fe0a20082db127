"""Parts of the test split that tell where a ranker is strong and where it is not."""

import numpy as np
import numpy.typing as npt

from training.dataset import Dataset
from training.metrics import slate_starts

Chosen = npt.NDArray[np.bool_]

HEAD_SEARCHES = 10
"""A query searched at least this often before is a head query."""

PLACES = ("market", "surface", "device")
MOST_VALUES = 8
"""Of a market, surface or device: the largest."""


def slices_of(data: Dataset) -> dict[str, Chosen]:
    """Name → shape (Q,), which slates belong to it; a slice without slates is left out.

    A user is cold who was never shown anything before; an item is cold that was never shown.
    """
    starts = slate_starts(data.column("qid"))
    warm_user = data.column("user_engagement__impressions_all")[starts] > 0
    searches = data.column("query_engagement__searches_all")[starts]
    has_query = data.column("query_key")[starts] != None  # noqa: E711
    cold_item = _wanted_a_cold_item(data, starts)
    slices = {
        "warm user": warm_user,
        "cold user": ~warm_user,
        "a cold item was wanted": cold_item,
        "only warm items were wanted": ~cold_item,
        "head query": has_query & (searches >= HEAD_SEARCHES),
        "tail query": has_query & ~(searches >= HEAD_SEARCHES),
    }
    for place in PLACES:
        slices |= _largest(place, data.column(place)[starts])
    return {name: np.asarray(chosen, bool) for name, chosen in slices.items() if np.any(chosen)}


def _wanted_a_cold_item(data: Dataset, starts: npt.NDArray[np.int64]) -> Chosen:
    cold = ~(data.column("item_engagement__impressions_all") > 0)
    return np.logical_or.reduceat(cold & (data.column("gain") > 0), starts)


def _largest(place: str, values: npt.NDArray[np.object_]) -> dict[str, Chosen]:
    """The largest of a place's known values, where there is more than one."""
    known = values[values != None].astype(str)  # noqa: E711
    names, counts = np.unique(known, return_counts=True)
    if names.size < 2:
        return {}
    largest = names[np.argsort(-counts, kind="stable")[:MOST_VALUES]]
    return {f"{place} {name}": values == name for name in largest}

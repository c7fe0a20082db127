"""Parts of the test split that tell where a ranker is strong and where it is not."""

import numpy as np
import numpy.typing as npt

from feature_repo.views import GROUPS
from training.dataset import Dataset
from training.metrics import slate_starts

Chosen = npt.NDArray[np.bool_]

ITEM, SHOP = "itself", "the shop"
"""The highest and the lowest rung of the ladder of click rates; groups are between them."""

HEAD_SEARCHES = 10
"""A query searched at least this often before is a head query."""

PLACES = ("market", "surface", "device")
MOST_VALUES = 8
"""Of a market, surface or device: the largest."""


def slices_of(data: Dataset) -> dict[str, Chosen]:
    """Name → shape (Q,), which slates belong to it; a slice without slates is left out.

    A user is cold who was never shown anything before; an item is cold that was never shown.  What
    was wanted is judged by the lowest rung on which a click rate of it rests: see `rungs`.
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
    clicks = data.column("user_engagement__clicks_all")[starts] > 0
    slices["warm user without a click"] = warm_user & ~clicks
    slices |= _by_rung(data, starts)
    for place in PLACES:
        slices |= _largest(place, data.column(place)[starts])
    return {name: np.asarray(chosen, bool) for name, chosen in slices.items() if np.any(chosen)}


def rungs(data: Dataset) -> dict[str, Chosen]:
    """Rung → shape (R,), which items it is that of; each item has one.

    An item's click rate rests on its own impressions where they weigh at least as much as what is
    believed of it beforehand, else on those of its brand, else its category, else on the shop's.
    """
    prior = data.facts.prior
    weight = prior.strength / prior.click_rate if prior.click_rate > 0 else np.inf
    left, found = np.ones(data.size, bool), dict[str, Chosen]()
    supports = {ITEM: "item_engagement__impressions_all"}
    supports |= {f"its {group}": f"percentiles__{group}_support" for group in reversed(GROUPS)}
    for rung, column in supports.items():
        supported = data.column(column).astype(np.float64) >= weight
        found[rung], left = left & supported, left & ~supported
    return found | {SHOP: left}


def _by_rung(data: Dataset, starts: npt.NDArray[np.int64]) -> dict[str, Chosen]:
    """Slates by the lowest rung among the items that were wanted."""
    gains, slices = data.column("gain") > 0, dict[str, Chosen]()
    lower = np.zeros(starts.size, bool)
    for rung, of_rung in reversed(rungs(data).items()):
        wanted = np.logical_or.reduceat(of_rung & gains, starts)
        slices[f"wanted, known by {rung}"] = wanted & ~lower
        lower |= wanted
    return slices


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

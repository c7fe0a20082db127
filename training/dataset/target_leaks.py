"""Columns that know too much: one feature that alone tells what was wanted from what was not.

Shoppers are not that predictable.  Such a column was computed from what happened afterwards.
"""

import numpy as np
import numpy.typing as npt

from feature_repo.home import LeakError
from training.dataset.format import Dataset
from training.metrics import Floats, Slates, slate_starts

Wanted = npt.NDArray[np.bool_]

SUSPICIOUS_AUC = 0.97

FEWEST_SLATES, MOST_SLATES = 30, 20_000
"""With fewer a good column may be lucky; more tell nothing new."""

EXEMPT = ("text__",)
"""Columns made of the request and the item's title alone, of which no event is part: where shoppers
search by name, an honest match of texts is nearly perfect."""

PAST = "history__", "_seconds"
"""Columns of how long ago something was known to happen."""


def check_target_leaks(data: Dataset) -> None:
    """Let a dataset pass whose columns all know only the past.

    Raises:
        LeakError: names the columns that do not.
    """
    found = suspicious_columns(data)
    if found:
        told = ", ".join(f"{name} ({value:.3f})" for name, value in found.items())
        raise LeakError(
            f"Too good to be true: {told} alone tells wanted items from others, by AUC within the "
            "slate; expected features known before the request.  Drop the column or compute it "
            "as of the request, then build the dataset again; nothing was learned."
        )


def suspicious_columns(data: Dataset) -> dict[str, float]:
    """Feature → its AUC within the slates alone, where that is too good to be true.

    Both directions of a column are looked at, and whether it is missing; and every level of gain,
    since a column may know the purchase alone.  A time since the last event that is not positive
    has AUC 1.
    """
    data = _some(data)
    slates = Slates.of(data.column("gain"), data.column("qid"))
    targets = [slates.gains >= level for level in np.unique(slates.gains[slates.gains > 0])]
    told = [target for target in targets if _pairs(slates, target).sum() >= FEWEST_SLATES]
    found = {}
    for name in data.facts.columns:
        values = data.column(name)
        if _of_the_future(name, values):
            found[name] = 1.0
        elif not name.startswith(EXEMPT):
            best = _best(values, slates, told)
            if best > SUSPICIOUS_AUC:
                found[name] = best
    return found


def auc(scores: npt.ArrayLike, wanted: Wanted, slates: Slates) -> Floats:
    """Shape (Q,): share of a slate's pairs of a wanted and another item that are in order.

    Equal scores count half, a missing one ranks last; NaN where a slate has no such pair.

    >>> auc([2, 1, 1], np.array([True, False, True]), Slates.of([0, 0, 0], [0, 0, 0]))
    array([0.75])
    """
    return _auc(_ranks(scores, slates), wanted, slates)


def _auc(ranks: Floats, wanted: Wanted, slates: Slates) -> Floats:
    """From the rank sum of what was wanted (Mann and Whitney)."""
    hits = slates.sums(wanted)
    above = slates.sums(ranks * wanted) - hits * (hits + 1) / 2
    pairs = hits * (slates.sizes - hits)
    share: Floats = np.divide(above, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return share


def _ranks(scores: npt.ArrayLike, slates: Slates) -> Floats:
    """Shape (R,): rank in the slate, 1 for the lowest; equal scores share their mean rank."""
    order = slates.order(scores)
    values = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=-np.inf)[order]
    qid = slates.qid[order]
    fresh = np.r_[True, (values[1:] != values[:-1]) | (qid[1:] != qid[:-1])]
    first = np.flatnonzero(fresh[: values.size])
    times = np.diff(np.r_[first, values.size])
    position = slates.position[first] + (times - 1) / 2
    ranks = np.empty(values.size)
    ranks[order] = np.repeat(slates.sizes, slates.sizes) + 1 - np.repeat(position, times)
    return ranks


def _best(values: npt.NDArray[np.float32], slates: Slates, targets: list[Wanted]) -> float:
    """The highest mean AUC of a column: rising, falling, or by being there."""
    missing = np.isnan(values)
    orders = [values, -values, missing, ~missing] if missing.any() else [values, -values]
    ranks = [_ranks(order, slates) for order in orders]
    found = [np.nanmean(_auc(rank, target, slates)) for rank in ranks for target in targets]
    return float(max(found, default=0.0))


def _pairs(slates: Slates, target: Wanted) -> Wanted:
    """Shape (Q,): slates in which something was wanted, and something not."""
    hits = slates.sums(target)
    return np.asarray((hits > 0) & (hits < slates.sizes))


def _of_the_future(name: str, values: npt.NDArray[np.float32]) -> bool:
    prefix, suffix = PAST
    return name.startswith(prefix) and name.endswith(suffix) and bool((values <= 0).any())


def _some(data: Dataset) -> Dataset:
    """The slates with gain; of very many, the last."""
    data = data.with_gain()
    starts = slate_starts(data.column("qid"))
    if starts.size <= MOST_SLATES:
        return data
    return data.rows(np.arange(data.size) >= starts[-MOST_SLATES])

"""Target leakage through columns: a feature that alone separates clicked items from the others.

Clicks are not that predictable, so such a column was computed from later events.
"""

import numpy as np
import numpy.typing as npt

from feature_repo.home import LeakError
from training.dataset.format import Dataset
from training.metrics import Floats, Slates, slate_starts

Targets = npt.NDArray[np.bool_]

SUSPICIOUS_AUC = 0.97

FEWEST_SLATES, MOST_SLATES = 30, 20_000
"""With fewer slates an honest column may reach this AUC by chance; more slates add no
information."""

EXEMPT = ("text__", "purchases__")
"""Columns that honestly may be nearly perfect: a text match where shoppers search by name, which no
event changes, and earlier purchases where shoppers repeat them."""

PAST = ("history__", "purchases__"), "_seconds"
"""Prefixes and suffix of the columns with the time since an event."""


def check_target_leakage(data: Dataset) -> None:
    """Check that no column of a dataset contains the future.

    Raises:
        LeakError: names the columns that do.
    """
    suspicious = suspicious_columns(data)
    if suspicious:
        columns = ", ".join(f"{name} ({value:.3f})" for name, value in suspicious.items())
        raise LeakError(
            f"Too good to be true: {columns} alone separates clicked items from others, by AUC in "
            "the slate; expected features from before the request.  Drop the column or compute it "
            "as of the request, then build the dataset again; nothing was learned."
        )


def suspicious_columns(data: Dataset) -> dict[str, float]:
    """Return the AUC within slates of each feature whose AUC is too good to be true.

    The check tries both directions of a column, its missing values, and every level of gain, since
    a column may leak purchases only.  A time since the last event that is not positive has AUC 1.
    """
    data = _some(data)
    slates = Slates.of(data.column("gain"), data.column("qid"))
    targets = [slates.gains >= level for level in np.unique(slates.gains[slates.gains > 0])]
    frequent = [target for target in targets if _pairs(slates, target).sum() >= FEWEST_SLATES]
    suspicious = {}
    for name in data.facts.columns:
        values = data.column(name)
        if _of_the_future(name, values):
            suspicious[name] = 1.0
        elif not name.startswith(EXEMPT):
            best = _best(values, slates, frequent)
            if best > SUSPICIOUS_AUC:
                suspicious[name] = best
    return suspicious


def auc(scores: npt.ArrayLike, is_target: Targets, slates: Slates) -> Floats:
    """Shape (Q,): share of a slate's pairs of a target and another item that are in order.

    Equal scores count half, a missing one ranks last; NaN where a slate has no such pair.

    >>> auc([2, 1, 1], np.array([True, False, True]), Slates.of([0, 0, 0], [0, 0, 0]))
    array([0.75])
    """
    return _auc(_ranks(scores, slates), is_target, slates)


def _auc(ranks: Floats, is_target: Targets, slates: Slates) -> Floats:
    """Compute the AUC from the rank sum of the targets (Mann and Whitney)."""
    hits = slates.sums(is_target)
    above = slates.sums(ranks * is_target) - hits * (hits + 1) / 2
    pairs = hits * (slates.sizes - hits)
    share: Floats = np.divide(above, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return share


def _ranks(scores: npt.ArrayLike, slates: Slates) -> Floats:
    """Shape (R,): rank in the slate, 1 for the lowest; equal scores share their mean rank."""
    order = slates.order(scores)
    values = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=-np.inf)[order]
    qid = slates.qid[order]
    is_first = np.r_[True, (values[1:] != values[:-1]) | (qid[1:] != qid[:-1])]
    first = np.flatnonzero(is_first[: values.size])
    times = np.diff(np.r_[first, values.size])
    position = slates.position[first] + (times - 1) / 2
    ranks = np.empty(values.size)
    ranks[order] = np.repeat(slates.sizes, slates.sizes) + 1 - np.repeat(position, times)
    return ranks


def _best(values: npt.NDArray[np.float32], slates: Slates, targets: list[Targets]) -> float:
    """Return the highest mean AUC of a column: ascending, descending, or by its missing values.

    Where no value is missing, an order and its reverse have AUCs that sum to 1.
    """
    missing = np.isnan(values)
    complete = missing if missing.any() else values
    areas = _mean_areas(complete, slates, targets)
    areas += [1 - area for area in areas]
    if missing.any():
        for order in (values, -values):
            areas += _mean_areas(order, slates, targets)
    return max(areas, default=0.0)


def _mean_areas(order: npt.ArrayLike, slates: Slates, targets: list[Targets]) -> list[float]:
    """Return the mean AUC of each target; its slates are ranked once."""
    ranks = _ranks(order, slates)
    return [float(np.nanmean(_auc(ranks, target, slates))) for target in targets]


def _pairs(slates: Slates, target: Targets) -> Targets:
    """Shape (Q,): slates that have both targets and other items."""
    hits = slates.sums(target)
    return np.asarray((hits > 0) & (hits < slates.sizes))


def _of_the_future(name: str, values: npt.NDArray[np.float32]) -> bool:
    prefixes, suffix = PAST
    return name.startswith(prefixes) and name.endswith(suffix) and bool((values <= 0).any())


def _some(data: Dataset) -> Dataset:
    """Select the newest slates with a gain, at most `MOST_SLATES`."""
    data = data.with_gain()
    starts = slate_starts(data.column("qid"))
    if starts.size <= MOST_SLATES:
        return data
    return data.rows(np.arange(data.size) >= starts[-MOST_SLATES])

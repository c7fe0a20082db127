"""Ranking metrics over many slates at once: pure functions of arrays, sorted by slate.

Every function takes rows of shape (R,) sorted by `qid`, each slate's rows in displayed order, and
returns one number a slate, shape (Q,).  Conventions, the same everywhere: gain is linear; equal
scores keep the displayed order; a missing score ranks last; a slate without any gain has no metric
(NaN), so a mean is over slates that have one.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feature_repo.errors import DatasetError

Floats = npt.NDArray[np.float64]
Rows = npt.ArrayLike
Metric = Callable[[Rows, Rows, Rows], Floats]

CONVENTIONS = (
    "gain linear (click 1, add to cart 3, purchase 6) · only rankings with a gain are counted · "
    "equal scores keep the shown order"
)


def ndcg(scores: Rows, gains: Rows, qid: Rows, k: int = 10) -> Floats:
    """Discounted gain of the first k positions, as a share of the best order of the same items.

    Sum of gain / log2(position + 1) with position from 1 (Järvelin and Kekäläinen 2002).

    >>> ndcg([0.1, 0.2], [1, 0], [0, 0]).round(4)
    array([0.6309])
    """
    ideal = _dcg(gains, gains, qid, k)
    return _share(_dcg(scores, gains, qid, k), ideal)


def reciprocal_rank(scores: Rows, gains: Rows, qid: Rows) -> Floats:
    """One over the position of the first item with gain.

    >>> reciprocal_rank([3, 2, 1], [0, 1, 1], [0, 0, 0])
    array([0.5])
    """
    gains, position, starts = _ranked(scores, gains, qid)
    if not starts.size:
        return np.empty(0)
    first = np.minimum.reduceat(np.where(gains > 0, position, np.inf), starts)
    return np.where(np.isinf(first), np.nan, 1 / first)


def recall(scores: Rows, gains: Rows, qid: Rows, k: int = 10) -> Floats:
    """Share of the items with gain that stand in the first k positions.

    >>> recall([3, 2, 1], [0, 1, 1], [0, 0, 0], k=2)
    array([0.5])
    """
    gains, position, starts = _ranked(scores, gains, qid)
    return _share(_sums((gains > 0) & (position <= k), starts), _sums(gains > 0, starts))


METRICS: dict[str, Metric] = {"ndcg@10": ndcg, "recall@10": recall, "mrr": reciprocal_rank}


def slate_starts(qid: Rows) -> npt.NDArray[np.int64]:
    """Shape (Q,): the row at which each slate begins.

    Raises:
        DatasetError: the rows are not sorted by slate.
    """
    ids = np.asarray(qid)
    if ids.size == 0:
        return np.empty(0, dtype=np.int64)
    if (ids[1:] < ids[:-1]).any():
        raise DatasetError("Rows must be sorted by qid; sort them before measuring.")
    return np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])


def _ranked(scores: Rows, gains: Rows, qid: Rows) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Gains and positions in ranked order, and where each slate starts."""
    starts = slate_starts(qid)
    known = np.asarray(scores, dtype=np.float64)
    known = np.where(np.isnan(known), -np.inf, known)
    order = np.lexsort((-known, np.asarray(qid)))
    sizes = np.diff(np.r_[starts, known.size])
    position = np.arange(known.size) - np.repeat(starts, sizes) + 1.0
    won: Floats = np.asarray(gains, dtype=np.float64)[order]
    return won, position.astype(np.float64), starts


def _dcg(scores: Rows, gains: Rows, qid: Rows, k: int) -> Floats:
    gains, position, starts = _ranked(scores, gains, qid)
    return _sums(np.where(position <= k, gains / np.log2(position + 1), 0.0), starts)


def _sums(values: Rows, starts: npt.NDArray[np.int64]) -> Floats:
    if not starts.size:
        return np.empty(0)
    sums: Floats = np.add.reduceat(np.asarray(values, dtype=np.float64), starts)
    return sums


def _share(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share

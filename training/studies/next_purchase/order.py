"""Rankings of all items, as the first K of each decision, and their metrics."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.metrics import Metric, Slates, highest_columns
from training.studies.next_purchase.history import Floats, Ints

K = 100
"""Positions of a ranking that are stored; the metrics read the first 20."""

_DEEPEST = 20

MAIN = "ndcg@10"
_METRICS = tuple(map(Metric.parse, ("ndcg@10", "recall@20", "recall@10")))
CONVENTIONS = (
    "gain 1 for each item of the order, whatever its quantity · ideal order: all its items first · "
    "equal scores by item id"
)


def first_items(scores: npt.NDArray[np.floating], count: int = K) -> Ints:
    """Return items by falling score, equal ones by number, shape (D, count).

    >>> first_items(np.array([[1.0, 3.0, 3.0]]), 2)
    array([[1, 2]])
    """
    return highest_columns(scores, count)


def measure(ranked: Ints, bought: Sequence[Ints]) -> dict[str, npt.NDArray[np.float64]]:
    """Measure D rankings against the items bought; return metric → values, shape (D,).

    Every bought item counts in the ideal order and in the recall, even outside the first K.
    """
    length = max(ranked.shape[1], _DEEPEST)
    sizes = [length + items.size for items in bought]
    qid = np.repeat(np.arange(len(bought)), sizes)
    score = -np.arange(length, dtype=np.float64)
    scores, gains = [], []
    for items, relevant in zip(ranked, bought, strict=True):
        hit = np.zeros(length, dtype=bool)
        hit[: items.size] = np.isin(items, relevant)
        missed = np.isin(relevant, items, invert=True)
        scores += [score, np.full(relevant.size, np.nan)]
        gains += [hit, missed]
    rows = np.concatenate(scores) if scores else np.empty(0), _joined(gains)
    values = Slates.of(rows[1], qid).measure(_METRICS, rows[0])
    return {
        "ndcg@10": values["ndcg@10"],
        "recall@20": values["recall@20"],
        "hit@10": np.where(values["recall@10"] > 0, 1.0, 0.0),
    }


def _joined(gains: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    return np.concatenate(gains).astype(np.float64) if gains else np.empty(0)

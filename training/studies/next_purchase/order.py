"""Rankings of all items, as the first K of each decision, and their metrics."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.metrics import Metric, Slates, highest_columns
from training.studies.next_purchase.history import Ints

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
    hits, missed = _hits(ranked, bought)
    gains = np.zeros((len(bought), length), dtype=bool)
    gains[:, : ranked.shape[1]] = hits
    qid = np.r_[np.repeat(np.arange(len(bought)), length), _decisions(bought)]
    order = np.argsort(qid, kind="stable")
    positions = np.tile(-np.arange(length, dtype=np.float64), len(bought))
    scores = np.r_[positions, np.full(missed.size, np.nan)]
    slates = Slates.of(np.r_[gains.ravel(), missed][order], qid[order])
    values = slates.measure(_METRICS, scores[order])
    return {
        "ndcg@10": values["ndcg@10"],
        "recall@20": values["recall@20"],
        "hit@10": np.where(values["recall@10"] > 0, 1.0, 0.0),
    }


def _hits(
    ranked: Ints, bought: Sequence[Ints]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which ranked items were bought, shape (D, K), and which bought ones are not ranked.

    The latter are sorted by decision, then item.
    """
    items = np.concatenate([np.empty(0, dtype=np.int64), *bought])
    # The lowest may be negative: an item that no ranking has, or a position without an item.
    lowest = int(min(items.min(initial=0), ranked.min(initial=0)))
    width = int(max(items.max(initial=0), ranked.max(initial=0))) - lowest + 1
    ranked_pairs = np.arange(len(bought))[:, None] * width + (ranked - lowest)
    bought_pairs = np.sort(_decisions(bought) * width + (items - lowest))
    index = np.searchsorted(bought_pairs, ranked_pairs)
    hits = np.r_[bought_pairs, -1][index] == ranked_pairs
    missed = np.ones(bought_pairs.size, dtype=bool)
    missed[index[hits]] = False
    return hits, missed


def _decisions(bought: Sequence[Ints]) -> Ints:
    """Return the decision of each bought item."""
    return np.repeat(np.arange(len(bought)), [items.size for items in bought])

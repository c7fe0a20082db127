"""The moves between two slates, each with the feature that explains it best.

Contributions here are approximate, because a shopper waits for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.request_features import Matrix
from training.explanation.reasons import change_in_words
from training.ranker import Ranker

_NOTABLE = 0.001
"""Smaller changes of a contribution are not reported."""


@dataclass(frozen=True)
class ExplainedSlate:
    """N items in their order, and what the ranker read of them.

    Attributes:
        item_ids: N ids, best first.
        matrix: shape (N, F), the ranker's input; None where it was not recorded.
    """

    item_ids: Sequence[str]
    matrix: Matrix | None = None

    @classmethod
    def of_features(
        cls,
        item_ids: Sequence[str],
        features: Sequence[Mapping[str, float | None]],
        columns: Sequence[str],
    ) -> "ExplainedSlate":
        """Return a slate from the features of an answer.

        Args:
            item_ids: N ids.
            features: N mappings of a feature to its value, None where missing.
            columns: F features that the ranker reads.
        """
        rows = [[_number(row.get(column)) for column in columns] for row in features]
        return cls(item_ids, np.array(rows, dtype=np.float32).reshape(len(rows), len(columns)))

    @property
    def position(self) -> dict[str, int]:
        """Position of each item, from 1."""
        return {item_id: n for n, item_id in enumerate(self.item_ids, 1)}


@dataclass(frozen=True)
class Move:
    """The positions of one item in two slates.

    Attributes:
        before: position in the first slate, from 1; None if it was not in it.
        after: position in the second slate, from 1.
        reason: the feature whose contribution changed most, with its values, in words; empty if
            none changed or the features of either slate are missing.
    """

    item: str
    before: int | None
    after: int
    reason: str = ""

    @property
    def up(self) -> int:
        """How many positions the item rose; negative if it fell, 0 if it is new."""
        return 0 if self.before is None else self.before - self.after


def moves_between(
    before: ExplainedSlate, after: ExplainedSlate, ranker: Ranker | None = None
) -> list[Move]:
    """Return the move of each item of the second slate, in its order."""
    reasons = {} if ranker is None else _reasons(before, after, ranker)
    return [
        Move(item_id, before.position.get(item_id), position, reasons.get(item_id, ""))
        for item_id, position in after.position.items()
    ]


def _reasons(before: ExplainedSlate, after: ExplainedSlate, ranker: Ranker) -> dict[str, str]:
    """Return the reason of each item that is in both slates, if both have features."""
    columns, old_row, old, new = ranker.columns, before.position, before.matrix, after.matrix
    if old is None or new is None or not len(old) or not len(new):
        return {}
    old_shares, new_shares = ranker.contributions(old), ranker.contributions(new)
    varies = _varies(new)
    reasons = {}
    for n, item_id in enumerate(after.item_ids):
        if item_id not in old_row:
            continue
        was, now = old[old_row[item_id] - 1], new[n]
        change = new_shares[n] - old_shares[old_row[item_id] - 1]
        differs = ~((was == now) | (np.isnan(was) & np.isnan(now)))
        strength = np.where(differs & varies, np.abs(change), 0.0)
        most = int(np.argmax(strength))
        if strength[most] >= _NOTABLE:
            reasons[item_id] = change_in_words(
                columns[most], float(change[most]), float(was[most]), float(now[most])
            )
    return reasons


def _varies(matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Return which features differ within a slate, shape (F,); an equal one moves no item."""
    low, high = np.fmin.reduce(matrix, axis=0), np.fmax.reduce(matrix, axis=0)
    missing = np.isnan(matrix).sum(axis=0)
    varies: npt.NDArray[np.bool_] = (low < high) | ((missing > 0) & (missing < len(matrix)))
    return varies


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)

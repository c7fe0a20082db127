"""Explain the order of a slate: each feature's contribution to each score, and reasons in words.

Exact contributions serve the analysis of past slates, approximate ones live answers; both sum to
the score.
"""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_repo.home import DatasetError
from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.explanation.reasons import reason
from training.ranker import Ranker, Scores

if TYPE_CHECKING:
    from feature_repo.events.contract import ServedEvent
    from feature_repo.events.log import EventLog

_NOTABLE = 0.01
"""A share becomes a reason if it is at least this fraction of the strongest share."""


@dataclass(frozen=True)
class Explanation:
    """One item of a slate.

    Attributes:
        base: score of an item without features.
        shares: feature → its addition to the score.
        reasons: the strongest differences between the item and the slate, in words.
        probability: of a click on the examined item; None if the ranker is not calibrated.
    """

    item: str
    score: float
    base: float
    shares: dict[str, float]
    reasons: tuple[str, ...]
    probability: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def explain(
    ranker: Ranker, items: Sequence[str], matrix: Matrix, *, exact: bool = True, top: int = 3
) -> list[Explanation]:
    """Explain a slate, best item first.

    Args:
        ranker: scores the slate.
        items: N ids.
        matrix: shape (N, F).
        exact: whether the shares are exact, which takes seconds.
        top: number of reasons for each item.
    """
    scores, shares = ranker.apply(matrix), ranker.shares(matrix, exact=exact)
    apart = shares[:, :-1] - shares[:, :-1].mean(axis=0)
    chances = None if ranker.calibration is None else ranker.calibration.apply(scores)
    return [
        Explanation(
            item=items[n],
            score=float(scores[n]),
            base=float(shares[n, -1]),
            shares=dict(zip(ranker.columns, map(float, shares[n, :-1]), strict=True)),
            reasons=_reasons(ranker.columns, apart[n], matrix, n, top),
            probability=None if chances is None else float(chances[n]),
        )
        for n in np.argsort(-scores, kind="stable")
    ]


def slate_of_dataset(dataset: Path, request: str) -> tuple[list[str], Matrix] | None:
    """Return items and features of a slate in a dataset; None if the dataset lacks the slate."""
    if not dataset.exists():
        return None
    data = Dataset.load(dataset)
    slate = data.rows(data.column("request_id").astype(str) == request)
    return (slate.keys["item_id"].to_pylist(), slate.matrix) if slate.keys.num_rows else None


def slate_of_log(log: "EventLog", request: str, columns: Sequence[str]) -> tuple[list[str], Matrix]:
    """Return items and features of an answer whose vectors were recorded.

    Raises:
        DatasetError: the log has no such answer, or one without vectors, or with other columns.
    """
    event = log.served(request)
    if event is None or event.vectors is None:
        logged = "no answer of this id" if event is None else "an answer without recorded vectors"
        raise DatasetError(
            f"The features of {request!r} are unknown: no dataset contains it, and the log has "
            f"{logged}.  Build a dataset with `aisle train`, or record a share of the requests."
        )
    if event.layout != tuple(columns):
        raise DatasetError(f"{request!r} was answered with other features than the ranker reads.")
    return [item.item_id for item in event.items], recorded_matrix(event)


def recorded_matrix(event: "ServedEvent") -> Matrix:
    """Return the recorded features of an answer, shape (N, F)."""
    raw = np.frombuffer(base64.b64decode(event.vectors or ""), dtype="<f4")
    return raw.reshape(len(event.items), len(event.layout)).astype(np.float32)


def _reasons(
    columns: Sequence[str], apart: Scores, matrix: Matrix, n: int, top: int
) -> tuple[str, ...]:
    """Return the features that set an item apart from its slate, strongest first."""
    strongest = np.argsort(-np.abs(apart), kind="stable")[:top]
    return tuple(
        reason(columns[f], float(apart[f]), float(matrix[n, f]), matrix[:, f])
        for f in strongest
        if abs(apart[f]) > _NOTABLE * np.abs(apart).max()
    )

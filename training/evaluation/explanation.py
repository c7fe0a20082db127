"""Why a ranker puts a slate in its order: each feature's share of each score, and it in words.

Exact shares are for looking back, approximate ones for answers on line; both sum to the score.
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
from training.evaluation.reasons import reason
from training.ranker import Ranker, Scores

if TYPE_CHECKING:
    from feature_repo.events.contract import ServedEvent
    from feature_repo.events.log import EventLog

_NOTABLE = 0.01
"""Of the strongest share; a weaker one is no reason."""


@dataclass(frozen=True)
class Explained:
    """One item of a slate.

    Attributes:
        base: what every item has before anything is known of it.
        shares: feature → what it adds to the score.
        reasons: what sets the item apart from the slate most, in words.
        probability: that it is wanted once looked at, where the ranker is calibrated.
    """

    item: str
    score: float
    base: float
    shares: dict[str, float]
    reasons: tuple[str, ...]
    probability: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def explain(
    ranker: Ranker, items: Sequence[str], matrix: Matrix, *, exact: bool = True, top: int = 3
) -> list[Explained]:
    """Explain a slate, best item first.

    Args:
        ranker: which scores it.
        items: N ids.
        matrix: shape (N, F).
        exact: whether the shares are exact, which takes seconds.
        top: how many reasons an item gets.
    """
    scores, shares = ranker.apply(matrix), ranker.shares(matrix, exact=exact)
    apart = shares[:, :-1] - shares[:, :-1].mean(axis=0)
    chances = None if ranker.calibration is None else ranker.calibration.apply(scores)
    return [
        Explained(
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
    """Items and features of a slate in a dataset; None where it is not there."""
    if not dataset.exists():
        return None
    data = Dataset.load(dataset)
    mine = data.rows(data.column("request_id").astype(str) == request)
    return (mine.keys["item_id"].to_pylist(), mine.matrix) if mine.keys.num_rows else None


def slate_of_log(log: "EventLog", request: str, columns: Sequence[str]) -> tuple[list[str], Matrix]:
    """Items and features of an answer whose vectors were recorded.

    Raises:
        DatasetError: never answered, answered without vectors, or with other columns.
    """
    event = log.served(request)
    if event is None or event.vectors is None:
        found = "no answer of this id" if event is None else "an answer without recorded vectors"
        raise DatasetError(
            f"Nothing tells the features of {request!r}: it is in no dataset, and the log has "
            f"{found}.  Build a dataset with `aisle train`, or record a share of the requests."
        )
    if event.layout != tuple(columns):
        raise DatasetError(f"{request!r} was answered with other features than the ranker reads.")
    return [item.item_id for item in event.items], _vectors(event)


def _vectors(event: "ServedEvent") -> Matrix:
    raw = np.frombuffer(base64.b64decode(event.vectors or ""), dtype="<f4")
    return raw.reshape(len(event.items), len(event.layout)).astype(np.float32)


def _reasons(
    columns: Sequence[str], apart: Scores, matrix: Matrix, n: int, top: int
) -> tuple[str, ...]:
    """The features that set an item apart most, strongest first; none that sets nothing apart."""
    strongest = np.argsort(-np.abs(apart), kind="stable")[:top]
    return tuple(
        reason(columns[f], float(apart[f]), float(matrix[n, f]), matrix[:, f])
        for f in strongest
        if abs(apart[f]) > _NOTABLE * np.abs(apart).max()
    )

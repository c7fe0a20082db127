"""Compare the feature vectors of recorded answers with the snapshot of their ranker's training.

The service records the vectors of a share of the answers (`AISLE_RECORD`), so this costs a request
nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feature_repo.events.contract import ServedEvent
from feature_repo.events.log import list_relations, read_relation
from feature_repo.home import DAY, Home, to_text
from feature_repo.request_features import Matrix
from training.artifacts import RANKER, target_of
from training.metrics import bucket_counts, stability_index
from training.monitoring.metric import Sample
from training.monitoring.metrics import FEATURE_NULL_SHARE, FEATURE_OUTSIDE_SHARE, FEATURE_PSI
from training.monitoring.snapshot import Distribution, Snapshot

_MOST_ANSWERS, _FEWEST_ROWS = 200, 500
"""The newest recorded answers of the last day that are compared, and the fewest rows of these."""


@dataclass(frozen=True)
class ServedFeature:
    """How a feature is distributed in recorded answers, compared with its training.

    Attributes:
        trained: how it was distributed in training.
        rows: recorded values, missing ones among them.
        null_share: share of missing values.
        outside_share: share of the values outside the range of training; None without values.
        counts: values in each bucket of the training; empty where the feature is not compared.
        stability_index: of these counts; None where the feature is not compared.
    """

    trained: Distribution
    rows: int
    null_share: float
    outside_share: float | None
    counts: tuple[int, ...]
    stability_index: float | None

    @classmethod
    def of(cls, values: Matrix, trained: Distribution) -> "ServedFeature":
        """Compare recorded values, shape (N,), NaN where missing."""
        present = values[~np.isnan(values)].astype(np.float64)
        outside, counts, index = None, (), None
        if present.size and trained.low is not None and trained.high is not None:
            outside = float(((present < trained.low) | (present > trained.high)).mean())
        if present.size >= _FEWEST_ROWS and trained.edges:
            served = bucket_counts(present, np.array(trained.edges))
            counts = tuple(served.tolist())
            index = stability_index(served, np.array(trained.counts))
        null_share = 1.0 - present.size / values.size
        return cls(trained, values.size, null_share, outside, counts, index)


def served_features(home: Home, now: int, model: str = "default") -> dict[str, ServedFeature]:
    """Compare the newest recorded answers of a ranker in use with its training.

    Returns:
        The comparison by feature; empty without a ranker, its snapshot, or enough recorded rows of
        this ranker.
    """
    folder = target_of(home.current / RANKER / model)
    snapshot = Snapshot.load(folder)
    if snapshot is None:
        return {}
    answers = _recorded(home, now, folder.name, tuple(snapshot.features))
    rows = np.concatenate([np.empty((0, len(snapshot.features)), np.float32), *answers])
    if rows.shape[0] < _FEWEST_ROWS:
        return {}
    return {
        name: ServedFeature.of(rows[:, number], trained)
        for number, (name, trained) in enumerate(snapshot.features.items())
    }


def measure_features(home: Home, now: int, model: str = "default") -> list[Sample]:
    """Return the samples of the same comparison."""
    served = served_features(home, now, model)
    return [sample for name, one in served.items() for sample in _samples(now, name, one)]


def compare_features(rows: Matrix, snapshot: Snapshot, now: int) -> Iterator[Sample]:
    """Compare vectors, shape (N, F), with the snapshot of their F features.

    Yields the samples of each feature; a stability index of stable features alone.
    """
    for number, (name, trained) in enumerate(snapshot.features.items()):
        yield from _samples(now, name, ServedFeature.of(rows[:, number], trained))


def _samples(now: int, name: str, served: ServedFeature) -> Iterator[Sample]:
    values = (
        (FEATURE_NULL_SHARE, served.null_share - served.trained.null_share),
        (FEATURE_OUTSIDE_SHARE, served.outside_share),
        (FEATURE_PSI, served.stability_index),
    )
    return (
        Sample(now, metric.name, (name,), value) for metric, value in values if value is not None
    )


def _recorded(home: Home, now: int, version: str, columns: tuple[str, ...]) -> list[Matrix]:
    """Return the matrices of the newest recorded answers of a ranker within a day."""
    from training.evaluation import parity

    first_day = f"day={to_text(now - DAY)[:10]}"
    matrices: list[Matrix] = []
    for path in reversed(list_relations(home.log / "compacted", "served")):
        if path.parent.name < first_day:
            break
        recorded = [
            event
            for event in read_relation(path)
            if isinstance(event, ServedEvent)
            and event.vectors
            and event.model_version == version
            and event.layout == columns
            and now - DAY < event.event_time <= now
        ]
        recorded.sort(key=lambda event: event.event_time, reverse=True)
        matrices += map(parity.logged_matrix, recorded[: _MOST_ANSWERS - len(matrices)])
        if len(matrices) == _MOST_ANSWERS:
            break
    return matrices

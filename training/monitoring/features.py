"""Compare the feature vectors of recorded answers with the snapshot of their ranker's training.

The service records the vectors of a share of the answers (`AISLE_RECORD`), so this costs a request
nothing more.
"""

from collections.abc import Iterator

import numpy as np

from feature_repo.events.contract import ServedEvent
from feature_repo.events.log import list_relations, read_relation
from feature_repo.home import DAY, Home, to_text
from feature_repo.request_features import Matrix
from training.artifacts import RANKER, target_of
from training.metrics import bucket_counts, stability_index
from training.monitoring.metric import QualityMetric, Sample
from training.monitoring.metrics import FEATURE_NULL_SHARE, FEATURE_OUTSIDE_SHARE, FEATURE_PSI
from training.monitoring.snapshot import Distribution, Snapshot

_MOST_ANSWERS, _FEWEST_ROWS = 200, 500
"""The newest recorded answers of the last day that are compared, and the fewest rows of these."""


def measure_features(home: Home, now: int, model: str = "default") -> list[Sample]:
    """Compare the newest recorded answers of a ranker in use with its training.

    Returns:
        The samples; none without a ranker, its snapshot, or enough recorded rows of this ranker.
    """
    folder = target_of(home.current / RANKER / model)
    snapshot = Snapshot.load(folder)
    if snapshot is None:
        return []
    answers = _recorded(home, now, folder.name, tuple(snapshot.features))
    rows = np.concatenate([np.empty((0, len(snapshot.features)), np.float32), *answers])
    if rows.shape[0] < _FEWEST_ROWS:
        return []
    return list(compare_features(rows, snapshot, now))


def compare_features(rows: Matrix, snapshot: Snapshot, now: int) -> Iterator[Sample]:
    """Compare vectors, shape (N, F), with the snapshot of their F features.

    Yields the samples of each feature; a stability index of stable features alone.
    """
    for number, (name, distribution) in enumerate(snapshot.features.items()):
        for metric, value in _of_feature(rows[:, number], distribution):
            yield Sample(now, metric.name, (name,), value)


def _of_feature(
    values: Matrix, distribution: Distribution
) -> Iterator[tuple[QualityMetric, float]]:
    present = values[~np.isnan(values)].astype(np.float64)
    null_share = 1.0 - present.size / values.size
    yield FEATURE_NULL_SHARE, null_share - distribution.null_share
    if present.size and distribution.low is not None and distribution.high is not None:
        is_outside = (present < distribution.low) | (present > distribution.high)
        yield FEATURE_OUTSIDE_SHARE, float(is_outside.mean())
    if present.size >= _FEWEST_ROWS and distribution.edges:
        counts = bucket_counts(present, np.array(distribution.edges))
        yield FEATURE_PSI, stability_index(counts, np.array(distribution.counts))


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

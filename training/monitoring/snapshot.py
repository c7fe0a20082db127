"""The snapshot of a training: how its features were distributed, to compare served ones with.

A feature that moved between the two halves of the training's own time, such as the age of a shop's
users, moves by itself; only stable features are compared by their distribution.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import ArtifactError
from feature_repo.request_features import Matrix
from training.dataset import TRAIN, VALIDATE, LazyDataset
from training.metrics import Floats, bucket_counts, bucket_edges, stability_index

FILE = "snapshot.json"

_MOST_ROWS = 20_000
"""Rows of the sample, spread evenly over the training's time."""

_FEWEST_VALUES = 100

_LARGEST_DRIFT = 0.1
"""Index between the halves of the training up to which a feature is stable."""


@dataclass(frozen=True)
class Distribution:
    """One feature's values in the sample.

    Attributes:
        null_share: share of missing values.
        low, high: the smallest and largest value, widened by their distance; None without values.
        edges, counts: of the buckets of the stability index; empty for a feature without enough
            values, with one value, or that is not stable.
    """

    null_share: float
    low: float | None
    high: float | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, values: Matrix) -> "Distribution":
        """Describe N values in time order, shape (N,), NaN where missing."""
        present = values[~np.isnan(values)].astype(np.float64)
        if not present.size:
            return cls(1.0, None, None, (), ())
        low, high = float(present.min()), float(present.max())
        edges: list[float] = []
        counts: list[int] = []
        if present.size >= _FEWEST_VALUES and high > low and _drift(present) <= _LARGEST_DRIFT:
            edges = bucket_edges(present).tolist()
            counts = bucket_counts(present, np.array(edges)).tolist()
        width = high - low
        return cls(
            1.0 - present.size / values.size,
            low - width,
            high + width,
            tuple(edges),
            tuple(counts),
        )


@dataclass(frozen=True)
class Snapshot:
    """The distributions of a training's features, by column."""

    features: dict[str, Distribution]

    @classmethod
    def of(cls, columns: Iterable[str], batches: Iterable[Matrix], rows: int) -> "Snapshot":
        """Describe the features of a dataset.

        Args:
            columns: F names.
            batches: the dataset's matrix in time order, in parts of shape (N, F).
            rows: their number.
        """
        step, first = max(1, rows // _MOST_ROWS), 0
        parts = []
        for batch in batches:
            parts.append(batch[first::step])
            first = (first - batch.shape[0]) % step
        sample = np.concatenate(parts)
        return cls(
            {name: Distribution.of(sample[:, n]) for n, name in enumerate(columns)},
        )

    def save(self, folder: Path) -> None:
        """Write the snapshot into a build folder."""
        table = {name: asdict(one) for name, one in self.features.items()}
        (folder / FILE).write_text(json.dumps(table, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Snapshot | None":
        """Read the snapshot of an artifact; None if it was trained before snapshots were written.

        Raises:
            ArtifactError: it is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            table: dict[str, dict[str, Any]] = json.loads(path.read_text())
            return cls({name: _distribution(one) for name, one in table.items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"{path}: expected the snapshot of a training, found {error}; `aisle train` makes "
                "a new one."
            ) from None


def write_snapshot(dataset: Path, folder: Path) -> None:
    """Describe the splits of a dataset that a ranker learned from, in the ranker's folder."""
    data = LazyDataset.open(dataset).part(TRAIN, VALIDATE)
    Snapshot.of(data.facts.columns, data.batches(), data.size).save(folder)


def _distribution(table: dict[str, Any]) -> Distribution:
    return Distribution(
        **{**table, "edges": tuple(table["edges"]), "counts": tuple(table["counts"])}
    )


def _drift(present: Floats) -> float:
    """Return the stability index of the second half against the first."""
    half = present.size // 2
    edges = bucket_edges(present[:half])
    before, after = (bucket_counts(part, edges) for part in (present[:half], present[half:]))
    return stability_index(after, before)

"""Bootstrap intervals of means over slates, resampling users rather than slates.

Slates of one user resemble each other, so a user is drawn with all their slates.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]

LEAST_CLUSTERS = 30
"""Clusters of a slice that has an interval: a 95 % interval of ten users covers 88 %."""

DRAWS = 2000
LEVEL = 0.95
_SEED = 11
_MOST_NUMBERS = 1 << 20
"""Numbers computed together, few enough for the processor's cache."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero is outside the interval."""
        return self.low > 0 or self.high < 0


def mean_interval(values: npt.ArrayLike, clusters: npt.ArrayLike, draws: int = DRAWS) -> Interval:
    """Return the mean of the numbers and its percentile interval (Efron).

    Clusters are drawn with replacement.

    Given the differences of two models on the same slates, this is the paired bootstrap.

    Args:
        values: shape (Q,); NaN where a slate has none.
        clusters: shape (Q,), such as the user of each slate.
        draws: resamples, the same ones for the same number of clusters.
    """
    return mean_intervals({"": values}, clusters, draws)[""]


def mean_intervals(
    values: Mapping[str, npt.ArrayLike], clusters: npt.ArrayLike, draws: int = DRAWS
) -> dict[str, Interval]:
    """Return the interval of each of several means over the same slates and resamples."""
    table = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    by_missing: dict[bytes, list[str]] = {}
    for name, column in table.items():
        by_missing.setdefault(np.isnan(column).tobytes(), []).append(name)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    intervals: dict[str, Interval] = {}
    for names in by_missing.values():
        columns = np.stack([table[name] for name in names])
        intervals |= zip(names, _intervals(columns, cluster, draws), strict=True)
    return {name: intervals[name] for name in values}


def slice_intervals(
    values: Mapping[str, npt.ArrayLike], clusters: npt.ArrayLike
) -> dict[str, Interval]:
    """Return the means of a slice; their intervals are NaN if it has fewer than `LEAST_CLUSTERS`.

    Args:
        values: of several metrics, each of shape (Q,), with numbers for the same slates.
        clusters: shape (Q,).
    """
    intervals = mean_intervals(values, clusters)
    first = np.asarray(next(iter(values.values())), np.float64)
    if np.unique(np.asarray(clusters)[~np.isnan(first)]).size >= LEAST_CLUSTERS:
        return intervals
    return {name: Interval(one.value, np.nan, np.nan) for name, one in intervals.items()}


def slice_interval(values: npt.ArrayLike, clusters: npt.ArrayLike) -> Interval:
    """Return the mean of a slice, as `slice_intervals`."""
    return slice_intervals({"": values}, clusters)[""]


def without_nan(value: Any) -> Any:
    """Replace NaN by None, which means "not measured" and is valid JSON."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _intervals(values: Floats, cluster: Clusters, draws: int) -> list[Interval]:
    """Return the intervals of M means whose values (M, Q) are missing for the same slates."""
    present = ~np.isnan(values[0])
    if not present.any():
        return [Interval(np.nan, np.nan, np.nan)] * len(values)
    values = values[:, present]
    _, cluster = np.unique(cluster[present], return_inverse=True)
    sums = _on_grid(np.stack([np.bincount(cluster, weights=row) for row in values], axis=1))
    sizes = np.bincount(cluster).astype(np.float64)
    means = np.concatenate(
        [(times @ sums) / (times @ sizes)[:, None] for times in times_drawn(sizes.size, draws)]
    )
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    bounds = (values.mean(axis=1).tolist(), low.tolist(), high.tolist())
    return [Interval(*ends) for ends in zip(*bounds, strict=True)]


def _on_grid(sums: npt.NDArray[Any]) -> Floats:
    """Round the sums (C, M) of clusters so that a float64 holds every sum of C of them exactly.

    The matrix product then has the same bits for any order of addition in BLAS.  The grid is at
    most 2^-52 of the largest total.
    """
    largest = float(np.abs(sums).max()) * len(sums)
    grid = np.ldexp(1.0, int(np.frexp(largest)[1]) - 52)
    rounded: Floats = np.rint(sums / grid) * grid
    return rounded


def times_drawn(clusters: int, draws: int) -> Iterator[Floats]:
    """Yield how often each cluster is drawn, shape (some draws, clusters), until all draws."""
    rng, at_once = np.random.default_rng(_SEED), max(_MOST_NUMBERS // clusters, 1)
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        drawn = rng.integers(clusters, size=(rows, clusters))
        drawn += np.arange(rows)[:, None] * clusters
        times = np.bincount(drawn.ravel(), minlength=rows * clusters)
        yield times.reshape(rows, clusters).astype(np.float64)

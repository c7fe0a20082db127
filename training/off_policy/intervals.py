"""Intervals of estimates: a studentised bootstrap that draws shoppers with all their slates.

Weighted rewards are skewed: a few slates with a large weight carry the sum.  A percentile interval
then misses the truth too often; dividing each resample's error by the resample's standard error
(bootstrap-t, Efron and Tibshirani 1993, chapter 12.5) corrects for the skew.
"""

import numpy as np

from training.metrics import Floats, Interval, Ints, times_drawn

LEVEL = 0.95
DRAWS = 2000

_ROUNDING = 1e-12
"""Errors of a mean number of clicks up to this one are those of arithmetic."""


def studentised_intervals(
    values: Floats, influences: Floats, clusters: Ints, level: float = LEVEL, draws: int = DRAWS
) -> list[Interval]:
    """Return the interval of each of E estimates.

    Args:
        values: shape (E,).
        influences: shape (S, E), of mean zero.
        clusters: shape (S,), numbers from 0.
    """
    count = int(clusters.max(initial=-1)) + 1
    if count < 2:
        return [Interval(value, np.nan, np.nan) for value in values.tolist()]
    by_cluster = [np.bincount(clusters, column, count) for column in influences.T]
    sums = np.stack(by_cluster, axis=1) * (count / len(clusters))
    error = _error((sums**2).sum(axis=0), sums.sum(axis=0), count)
    error = np.where(error > _ROUNDING, error, 0.0)
    ratios = []
    for times in times_drawn(count, draws):
        total = times @ sums
        resampled = _error(times @ sums**2, total, count)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios.append(np.where(resampled > 0, total / count / resampled, 0.0))
    low, high = np.quantile(np.concatenate(ratios), [(1 + level) / 2, (1 - level) / 2], axis=0)
    ends = (values, values - low * error, values - high * error)
    return [Interval(*(float(end) for end in one)) for one in zip(*ends, strict=True)]


def _error(squares: Floats, total: Floats, count: int) -> Floats:
    """Return the standard error of a mean over clusters from sums of squares and of values."""
    variance = np.maximum(squares - total**2 / count, 0.0) / (count - 1)
    return np.asarray(np.sqrt(variance / count))

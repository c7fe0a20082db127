"""How far a mean over slates could be off: the bootstrap, drawing users rather than slates.

Slates of one user resemble each other, so users are drawn with all of their slates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 2000
LEVEL = 0.95
_SEED = 11


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie, 95 % of the time."""

    value: float
    low: float
    high: float

    @property
    def clear_of_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def mean_interval(values: Floats, clusters: npt.ArrayLike, draws: int = DRAWS) -> Interval:
    """Mean of the known values and its percentile interval (Efron), clusters drawn with return.

    Given the differences of two models on the same slates, this is the paired bootstrap.

    Args:
        values: shape (Q,); NaN where a slate has none.
        clusters: shape (Q,), such as the user of each slate.
        draws: resamples; always the same ones for the same number of clusters.
    """
    known = ~np.isnan(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    _, cluster = np.unique(np.asarray(clusters)[known], return_inverse=True)
    sums, sizes = np.bincount(cluster, weights=values[known]), np.bincount(cluster)
    rng = np.random.default_rng(_SEED)
    means = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(rng.integers(sums.size, size=sums.size), minlength=sums.size)
        means[draw] = (times @ sums) / (times @ sizes)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values[known].mean()), float(low), float(high))

"""The population stability index: how far a distribution moved from a reference.

    PSI = sum over buckets of (share - reference share) * ln(share / reference share)

Buckets are bounded by quantiles of the reference.  An empty bucket counts as half a value.  By a
common rule of thumb, below 0.1 nothing moved, and above 0.25 the population is another one.
"""

import numpy as np
import numpy.typing as npt

from training.metrics.metrics import Floats

BUCKETS = 10


def bucket_edges(values: Floats) -> Floats:
    """Return the distinct inner bounds of equally full buckets, shape (B - 1,), B at most 10.

    `values` has shape (N,), N at least 1, without NaN.
    """
    edges: Floats = np.unique(np.quantile(values, np.arange(1, BUCKETS) / BUCKETS))
    return edges


def bucket_counts(values: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    """Return the number of values in each bucket, shape (B,); an edge is in its lower bucket."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)


def stability_index(counts: npt.NDArray[np.int64], reference: npt.NDArray[np.int64]) -> float:
    """Return the index of counts against those of a reference, both of shape (B,).

    >>> stability_index(np.array([50, 50]), np.array([500, 500]))
    0.0
    >>> round(stability_index(np.array([90, 10]), np.array([500, 500])), 3)
    0.879
    """
    share, expected = (np.maximum(each, 0.5) / each.sum() for each in (counts, reference))
    return float(np.sum((share - expected) * np.log(share / expected)))

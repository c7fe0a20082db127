"""Embeddings of items from co-occurrence in baskets.

Items of one basket are counted in pairs.  The positive pointwise mutual information of the pairs,
reduced to its D largest singular values, gives each item a vector (Levy, Goldberg and Dagan 2015:
PPMI, truncated SVD, U · √Σ).  The same baskets give the same vectors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.studies.next_purchase.cooccurrence import Cooccurrences, Indices

DIMENSIONS = 32
_SMOOTHING = 0.75
_SEED = 3
_TOLERANCE = 1e-3
_DENSE = 256
"""Up to this many items the full decomposition is as fast as the truncated one."""

Vectors = npt.NDArray[np.float32]


def fit_vectors(item: Indices, basket: Indices, size: int, dimensions: int = DIMENSIONS) -> Vectors:
    """Return the vectors of N items, shape (N, D), each of length 1.

    Args:
        item: shape (M,), from 0 to size - 1.
        basket: shape (M,), the basket of each.
        size: number N of items; one without a companion has a vector of zeros.
        dimensions: D, fewer where there are fewer items.
    """
    counts = Cooccurrences.count(item, basket, size)
    return _decomposed(counts.ppmi(_SMOOTHING), min(dimensions, size))


def _decomposed(ppmi: Any, width: int) -> Vectors:
    """Shape (N, width): U · √Σ of the largest singular values, each row of length 1."""
    from scipy.sparse.linalg import svds

    size = ppmi.shape[0]
    if size <= max(_DENSE, width):
        left, values, _ = np.linalg.svd(ppmi.toarray())
        left, values = left[:, :width], values[:width]
    else:
        start = np.random.default_rng(_SEED).random(size)
        left, values, _ = svds(ppmi, k=width, v0=start, tol=_TOLERANCE)
        left, values = left[:, ::-1], values[::-1]
    scaled = _with_signs(left) * np.sqrt(values)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled[length[:, 0] <= _NO_LENGTH] = 0.0
    vectors: Vectors = (scaled / np.where(length > _NO_LENGTH, length, 1.0)).astype(np.float32)
    return vectors


_NO_LENGTH = 1e-9
"""A shorter vector is rounding noise."""


def _with_signs(left: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Choose the sign of each singular vector so that its largest component is positive."""
    if not left.size:
        return left
    largest = np.abs(left).argmax(axis=0)
    signs = np.sign(left[largest, np.arange(left.shape[1])])
    return left * np.where(signs == 0, 1.0, signs)

"""Embeddings of items from co-occurrence in baskets.

Items of one basket are counted in pairs.  The positive pointwise mutual information of the pairs,
reduced to its D largest singular values, gives each item a vector (Levy, Goldberg and Dagan 2015:
PPMI, truncated SVD, U · √Σ).  The same baskets give the same vectors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.metrics import left_singular_vectors
from training.studies.next_purchase.cooccurrence import Cooccurrences, Indices

DIMENSIONS = 32
_SMOOTHING = 0.75
_NO_LENGTH = 1e-9
"""A vector shorter than this is rounding noise."""
_STEPS_PER_UNIT = 2.0**20

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


def on_grid(unit: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Round the components of vectors of length 1 to multiples of 2^-20.

    Products of two such vectors are exact in float64, so their sum has the same bits for any order
    of addition in BLAS.
    """
    rounded: npt.NDArray[np.float64] = np.rint(unit * _STEPS_PER_UNIT) / _STEPS_PER_UNIT
    return rounded


def _decomposed(ppmi: Any, width: int) -> Vectors:
    """Shape (N, width): U · √Σ of the largest singular values, each row of length 1."""
    left, values = left_singular_vectors(ppmi, width)
    scaled = left * np.sqrt(values)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled[length[:, 0] <= _NO_LENGTH] = 0.0
    return on_grid(scaled / np.where(length > _NO_LENGTH, length, 1.0)).astype(np.float32)

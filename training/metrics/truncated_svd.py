"""A truncated singular value decomposition that has the same bits on every processor.

LAPACK, ARPACK and BLAS sum in an order that depends on the machine; their vectors differ in the
ninth digit, and arbitrarily where singular values are equal.  Here a fixed number of steps of
subspace iteration (Halko, Martinsson and Tropp 2011) is followed by Jacobi's rotations, and every
sum is taken in one order: by scipy's sparse products, and by numpy's elementwise operations.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SEED = 3
_SPARE = 16
"""Dimensions beyond those requested, so that the last of these converge."""
_STEPS = 8
_SWEEPS = 12
_NEGLIGIBLE = 1e-12
"""Relative length below which a vector counts as dependent on the vectors before it."""


def left_singular_vectors(matrix: Any, width: int) -> tuple[Floats, Floats]:
    """Return the vectors (N, width) of the largest singular values (width,), largest first.

    The largest component of each vector is positive.  A vector beyond the rank of the matrix is
    zero, as is its value.

    Args:
        matrix: scipy.sparse.csr_array of shape (N, M).
        width: at most N and M.
    """
    transposed = matrix.T.tocsr()
    size = min(width + _SPARE, *matrix.shape)
    start = np.random.default_rng(_SEED).random((matrix.shape[1], size)) - 0.5
    basis = _orthonormal(matrix @ start)
    for _ in range(_STEPS):
        basis = _orthonormal(matrix @ _orthonormal(transposed @ basis))
    squares, rotation = _eigenvectors(_gram((transposed @ basis).T))
    vectors = _with_signs(_product(basis, rotation[:, :width]))
    return vectors, np.sqrt(np.maximum(squares[:width], 0.0))


def _orthonormal(vectors: Floats) -> Floats:
    """Return an orthonormal basis of N vectors' span, zeros in place of dependent ones.

    Gram-Schmidt, twice for each vector (Giraud, Langou and Rozložník 2005).
    """
    basis = np.ascontiguousarray(vectors.T)
    for number, vector in enumerate(vectors.T):
        before, remainder = basis[:number], vector.copy()
        for _ in range(2):
            remainder -= _product((before * remainder).sum(axis=1)[None], before)[0]
        length = _length(remainder)
        basis[number] = remainder / length if length > _NEGLIGIBLE * _length(vector) else 0.0
    return np.ascontiguousarray(basis.T)


def _length(vector: Floats) -> float:
    return float(np.sqrt((vector * vector).sum()))


def _product(left: Floats, right: Floats) -> Floats:
    """Return left @ right, summed from the first column of `left` to the last."""
    product = np.zeros((left.shape[0], right.shape[1]))
    for column, row in zip(left.T, right, strict=True):
        product += column[:, None] * row
    return product


def _gram(rows: Floats) -> Floats:
    """Return the inner products (K, K) of K rows."""
    rows = np.ascontiguousarray(rows)
    return np.stack([(rows * row).sum(axis=1) for row in rows]) if len(rows) else np.zeros((0, 0))


def _eigenvectors(symmetric: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues (K,), largest first, and vectors (K, K), by Jacobi's cyclic rotations."""
    table, size = symmetric.copy(), len(symmetric)
    vectors = np.eye(size)
    for _ in range(_SWEEPS):
        for p in range(size - 1):
            for q in range(p + 1, size):
                _rotate(table, vectors, p, q)
    values = np.diagonal(table)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]


def _rotate(table: Floats, vectors: Floats, p: int, q: int) -> None:
    """Turn rows and columns p and q so that their common element becomes zero."""
    shared = table[p, q]
    if abs(shared) <= np.finfo(np.float64).eps * np.sqrt(abs(table[p, p] * table[q, q])):
        return
    slope = (table[q, q] - table[p, p]) / (2 * shared)
    tangent = np.copysign(1 / (abs(slope) + np.sqrt(slope * slope + 1)), slope)
    cosine = 1 / np.sqrt(tangent * tangent + 1)
    sine = tangent * cosine
    for part in (table, table.T, vectors.T):
        first, second = cosine * part[p] - sine * part[q], sine * part[p] + cosine * part[q]
        part[p], part[q] = first, second
    table[p, q] = table[q, p] = 0.0


def _with_signs(vectors: Floats) -> Floats:
    """Flip the sign of vectors so that the largest component of each is positive."""
    if not vectors.size:
        return vectors
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return np.asarray(vectors * np.where(signs == 0, 1.0, signs))

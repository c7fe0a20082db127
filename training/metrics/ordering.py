"""The highest numbers of each row of a table, with a defined order of equal numbers.

In numpy's partial sorts the order of equal numbers depends on the processor's vector unit.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Sparse = Any
"""scipy.sparse.csr_array."""


def highest_columns(values: Numbers, count: int) -> Ints:
    """Return the columns of the `count` highest values of each row, shape (R, count).

    The highest comes first, the lower column of equal values first.

    Args:
        values: shape (R, C), no NaN.
        count: at most C are returned.

    >>> highest_columns(np.array([[1.0, 3.0, 3.0, 2.0]]), 2)
    array([[1, 2]])
    """
    rows, columns = values.shape
    if count >= columns:
        return np.argsort(-values, axis=1, kind="stable")
    if not count:
        return np.empty((rows, 0), dtype=np.int64)
    least = np.partition(values, columns - count, axis=1)[:, columns - count, None]
    chosen = values >= least
    tied = chosen.sum(axis=1) > count
    above, equal = values[tied] > least[tied], values[tied] == least[tied]
    missing = count - above.sum(axis=1, keepdims=True)
    chosen[tied] = above | (equal & (np.cumsum(equal, axis=1) <= missing))
    candidates = np.nonzero(chosen)[1].reshape(rows, count)
    order = np.argsort(-np.take_along_axis(values, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)


def highest_entries(matrix: Sparse, count: int) -> Sparse:
    """Return the `count` highest stored entries of each row; of equal ones the leftmost.

    >>> from scipy import sparse
    >>> highest_entries(sparse.csr_array([[1.0, 0.0, 3.0, 3.0]]), 2).toarray().tolist()
    [[0.0, 0.0, 3.0, 3.0]]
    """
    retained = np.ones(matrix.data.size, dtype=bool)
    for start, end in pairwise(matrix.indptr.tolist()):
        if end - start > count:
            values = matrix.data[start:end]
            lowest = np.partition(values, -count)[-count]
            above, equal = values > lowest, np.flatnonzero(values == lowest)
            leftmost = np.argsort(matrix.indices[start + equal], kind="stable")
            retained[start:end] = above
            retained[start + equal[leftmost[: count - int(above.sum())]]] = True
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return type(matrix)(
        (matrix.data[retained], (row[retained], matrix.indices[retained])), shape=matrix.shape
    )

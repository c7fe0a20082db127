"""The highest numbers of each row of a table, with a defined order of equal numbers.

In numpy's partial sorts the order of equal numbers depends on the processor's vector unit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


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
    above, equal = values > least, values == least
    missing = count - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= missing))
    candidates = np.nonzero(chosen)[1].reshape(rows, count)
    order = np.argsort(-np.take_along_axis(values, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)

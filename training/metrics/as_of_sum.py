"""Sums over events strictly before an instant, vectorized over keys and instants."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class AsOfSum:
    """A running sum for each key, readable at any instant."""

    def __init__(self, keys: Ints, times: Ints, values: npt.ArrayLike) -> None:
        """Sort n events.

        Args:
            keys: shape (n,), any numbers; n > 0.
            times: shape (n,), the instant of each.
            values: shape (n,), the summand of each.
        """
        order = np.lexsort((times, keys))
        self._keys, self._times = np.unique(keys), np.unique(times)
        ranks = np.searchsorted(self._times, times[order])
        self._positions = np.searchsorted(self._keys, keys[order]) * self._span + ranks
        self._sums = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64)[order])])

    def before(self, keys: Ints, times: Ints) -> Floats:
        """Return the sum of the key's events before the instant, shape (m,); 0 without any.

        >>> sums = AsOfSum(np.array([1, 1, 2]), np.array([10, 20, 10]), [1.0, 1.0, 5.0])
        >>> sums.before(np.array([1, 1, 2, 3]), np.array([20, 21, 10, 99]))
        array([1., 2., 0., 0.])
        """
        index = np.searchsorted(self._keys, keys)
        exists = self._keys[np.minimum(index, self._keys.size - 1)] == keys
        first = np.searchsorted(self._positions, index * self._span)
        last = np.searchsorted(
            self._positions, index * self._span + np.searchsorted(self._times, times)
        )
        sums: Floats = np.where(exists, self._sums[last] - self._sums[first], 0.0)
        return sums

    @property
    def _span(self) -> int:
        return self._times.size + 1

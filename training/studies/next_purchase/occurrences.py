"""Exact counts and rows of the purchases before an instant, vectorized over keys."""

import numpy as np
import numpy.typing as npt

from training.studies.next_purchase.history import Floats, History, Ints


class RunningCounts:
    """Purchases of every item in a window that ends at an instant; the instant only moves forward.

    A purchase counts from just after its `seen_at` until it leaves the window or its cancellation
    is received.
    """

    def __init__(self, history: History, window: int | None = None) -> None:
        ends_at = history.taken_back_at
        if window is not None:
            ends_at = np.minimum(ends_at, history.bought_at + window)
        self._item, self._seen_at = history.item, history.seen_at
        self._ends_at = np.maximum(ends_at, history.seen_at)
        self._by_end = np.argsort(self._ends_at, kind="stable")
        self._sorted_ends = self._ends_at[self._by_end]
        self._started = self._ended = 0
        self._counts = np.zeros(len(history.items))

    def at(self, t: int) -> Floats:
        """Return the counts known strictly before t, shape (N,).  Valid until the next call."""
        started = int(np.searchsorted(self._seen_at, t, side="left"))
        ended = int(np.searchsorted(self._sorted_ends, t, side="left"))
        np.add.at(self._counts, self._item[self._started : started], 1.0)
        np.subtract.at(self._counts, self._item[self._by_end[self._ended : ended]], 1.0)
        self._started, self._ended = started, ended
        return self._counts


class Occurrences:
    """An index of a history's rows by a key, such as user and item.

    A history has at least one row.
    """

    def __init__(self, keys: Ints) -> None:
        self._rows = keys.size
        self._keys, number = np.unique(keys, return_inverse=True)
        order = np.argsort(number, kind="stable")
        self._order = order
        self._positions = number[order] * (self._rows + 1) + order
        self._starts = np.searchsorted(number[order], np.arange(self._keys.size))

    def count(self, keys: Ints, rows_seen: Ints) -> Ints:
        """Return the number of each key's rows among the first `rows_seen`, shape (R,)."""
        number, exists = self._numbered(keys)
        index = np.searchsorted(self._positions, number * (self._rows + 1) + rows_seen, side="left")
        return np.where(exists, index - self._starts[number], 0)

    def row(self, keys: Ints, occurrence: Ints) -> Ints:
        """Return the row of each key's occurrence of that number, shape (R,); -1 for -1."""
        number, exists = self._numbered(keys)
        exists = exists & (occurrence >= 0)
        index = np.where(exists, self._starts[number] + occurrence, 0)
        return np.where(exists, self._order[index], -1)

    def _numbered(self, keys: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        number = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        return number, self._keys[number] == keys

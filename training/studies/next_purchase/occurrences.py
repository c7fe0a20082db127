"""How often, and when, something had happened before an instant: exact, for many at once."""

import numpy as np
import numpy.typing as npt

from training.studies.next_purchase.history import Floats, History, Ints


class RunningCounts:
    """Purchases of every item inside a window that ends at an instant, which only moves forward.

    A purchase counts from after it was known until the window has passed it, or it is known to be
    taken back.
    """

    def __init__(self, history: History, window: int | None = None) -> None:
        gone = history.taken_back_at
        if window is not None:
            gone = np.minimum(gone, history.bought_at + window)
        self._item, self._seen_at = history.item, history.seen_at
        self._gone_at = np.maximum(gone, history.seen_at)
        self._going = np.argsort(self._gone_at, kind="stable")
        self._gone_sorted = self._gone_at[self._going]
        self._come = self._went = 0
        self._counts = np.zeros(len(history.items))

    def at(self, t: int) -> Floats:
        """Shape (N,): counts of what was known strictly before t.  Valid until the next call."""
        come = int(np.searchsorted(self._seen_at, t, side="left"))
        went = int(np.searchsorted(self._gone_sorted, t, side="left"))
        np.add.at(self._counts, self._item[self._come : come], 1.0)
        np.subtract.at(self._counts, self._item[self._going[self._went : went]], 1.0)
        self._come, self._went = come, went
        return self._counts


class Occurrences:
    """The rows of a history by a key, such as user and item: how many and which before a row.

    Asked with keys and `known`, the number of rows that were known at the instant in question, at
    most all of them.  A history has at least one row.
    """

    def __init__(self, keys: Ints) -> None:
        self._rows = keys.size
        self._keys, number = np.unique(keys, return_inverse=True)
        order = np.argsort(number, kind="stable")
        self._order = order
        self._places = number[order] * (self._rows + 1) + order
        self._starts = np.searchsorted(number[order], np.arange(self._keys.size))

    def count(self, keys: Ints, known: Ints) -> Ints:
        """Shape (R,): rows of each key among the first `known`."""
        number, there = self._numbered(keys)
        found = np.searchsorted(self._places, number * (self._rows + 1) + known, side="left")
        return np.where(there, found - self._starts[number], 0)

    def row(self, keys: Ints, place: Ints) -> Ints:
        """Shape (R,): the row of each key's occurrence number `place`; -1 where it has none."""
        number, there = self._numbered(keys)
        there = there & (place >= 0)
        found = np.where(there, self._starts[number] + place, 0)
        return np.where(there, self._order[found], -1)

    def _numbered(self, keys: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        number = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        return number, self._keys[number] == keys

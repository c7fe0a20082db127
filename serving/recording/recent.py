"""A dictionary of the latest entries, bounded by the bytes that they take."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentEntries(Generic[K, V]):
    """The entries that were put last.  The caller holds a lock.

    Attributes:
        bytes: of all entries, as their callers measured them.
    """

    def __init__(self, max_bytes: int) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def put(self, key: K, value: V, size: int) -> None:
        """Add an entry of `size` bytes as the latest, and remove the oldest beyond the limit."""
        self.remove(key)
        self._entries[key] = (value, size)
        self.bytes += size
        while self.bytes > self._max_bytes:
            _, (_, removed) = self._entries.popitem(last=False)
            self.bytes -= removed

    def get(self, key: K) -> V | None:
        """Return the value of a key."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def remove(self, key: K) -> None:
        """Remove the entry of a key, if there is one."""
        _, size = self._entries.pop(key, (None, 0))
        self.bytes -= size

    def items(self) -> list[tuple[K, V]]:
        """Return all keys and values, the oldest first."""
        return [(key, value) for key, (value, _) in self._entries.items()]

"""Cache of sorted key indexes, so that joins of unchanged files do not sort again."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock

from feature_repo.offline.join.key_codes import KeyCodes
from feature_repo.offline.join.shards import Shards


@dataclass(frozen=True)
class KeyIndex:
    """Every row of a source, sorted by key and time."""

    key_codes: KeyCodes
    shards: Shards

    @property
    def nbytes(self) -> int:
        """Memory that the index needs."""
        return self.shards.nbytes + self.key_codes.nbytes


@dataclass
class IndexCache:
    """The most recently used indexes, up to a number of bytes."""

    max_bytes: int = 512_000_000
    _indexes: "OrderedDict[Hashable, KeyIndex]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, identity: Hashable) -> KeyIndex | None:
        """Return the cached index of exactly these files and columns, None if there is none."""
        with self._lock:
            if identity in self._indexes:
                self._indexes.move_to_end(identity)
            return self._indexes.get(identity)

    def put(self, identity: Hashable, index: KeyIndex) -> None:
        """Cache an index and evict the least recently used ones."""
        with self._lock:
            self._indexes[identity] = index
            while self._indexes and self._total_bytes() > self.max_bytes:
                self._indexes.popitem(last=False)

    @property
    def identities(self) -> tuple[Hashable, ...]:
        """Identities of the cached indexes, least recently used first."""
        with self._lock:
            return tuple(self._indexes)

    def clear(self) -> None:
        """Evict all indexes."""
        with self._lock:
            self._indexes.clear()

    def _total_bytes(self) -> int:
        return sum(index.nbytes for index in self._indexes.values())


INDEXES = IndexCache()
"""The cache of this process."""

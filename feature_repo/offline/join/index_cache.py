"""Sorted keys of sources, kept from one join to the next while the files stay as they are."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock

from feature_repo.offline.join.key_codes import Vocabulary
from feature_repo.offline.join.shards import Shards


@dataclass(frozen=True)
class KeyIndex:
    """Every row of a source by key and time."""

    vocabulary: Vocabulary
    shards: Shards

    @property
    def nbytes(self) -> int:
        """What keeping it costs."""
        return self.shards.nbytes + self.vocabulary.nbytes


@dataclass
class IndexCache:
    """The indexes used last, up to a number of bytes."""

    most_bytes: int = 512_000_000
    _kept: "OrderedDict[Hashable, KeyIndex]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, identity: Hashable) -> KeyIndex | None:
        """The index of exactly these files and columns, if it is kept."""
        with self._lock:
            if identity in self._kept:
                self._kept.move_to_end(identity)
            return self._kept.get(identity)

    def put(self, identity: Hashable, index: KeyIndex) -> None:
        """Keep it; forget those used longest ago."""
        with self._lock:
            self._kept[identity] = index
            while self._kept and sum(i.nbytes for i in self._kept.values()) > self.most_bytes:
                self._kept.popitem(last=False)

    @property
    def identities(self) -> tuple[Hashable, ...]:
        """Of what is kept, the one used longest ago first."""
        with self._lock:
            return tuple(self._kept)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


INDEXES = IndexCache()
"""Of this process."""

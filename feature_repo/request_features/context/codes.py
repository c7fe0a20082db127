"""Cached integer codes of the pieces of texts: set operations become array operations."""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context.request_context import ItemValues

CACHE_BYTES = 32_000_000
"""Maximum bytes of a cache, then a new one starts: some 100,000 titles."""

_TEXT_BYTES, _PIECE_BYTES = 200, 150
"""Memory of a text, and of a new piece, besides their characters and codes."""

_CODE = np.int32
"""Half the size of numpy's default, so half the memory and half the reads."""


class TextCodes:
    """Assigns a code to each piece of the texts it cuts.  Threads may share it."""

    def __init__(self, cut: Callable[[str], frozenset[str]]) -> None:
        """Assign codes to the pieces that `cut` returns for a text."""
        self.cut = cut
        self._codes: dict[str, int] = {}
        self._texts: dict[str, bytes] = {}
        self._cached_bytes = 0
        self._lock = Lock()

    def fresh(self) -> "TextCodes":
        """Return this cache, or a new one with other codes if this one has grown too large."""
        return self if self._cached_bytes < CACHE_BYTES else TextCodes(self.cut)

    def values(self, texts: Sequence[str]) -> ItemValues:
        """Return the codes of the pieces of N texts, in no order."""
        try:
            packed = [*map(self._texts.__getitem__, texts)]
        except KeyError:
            packed = [*map(self._packed, texts)]
        codes = np.frombuffer(b"".join(packed), _CODE)
        sizes = np.fromiter(map(len, packed), np.int64, len(packed)) // codes.itemsize
        return ItemValues([], codes, sizes)

    def codes(self, pieces: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the codes of those pieces that occur in any text seen so far."""
        return np.array([self._codes[p] for p in pieces if p in self._codes], np.int64)

    def __len__(self) -> int:
        return len(self._codes)

    def _packed(self, text: str) -> bytes:
        with self._lock:
            if text not in self._texts:
                before = len(self._codes)
                codes = [
                    self._codes.setdefault(piece, len(self._codes)) for piece in self.cut(text)
                ]
                packed = self._texts[text] = np.array(codes, _CODE).tobytes()
                self._cached_bytes += _TEXT_BYTES + len(text) + len(packed)
                self._cached_bytes += _PIECE_BYTES * (len(self._codes) - before)
        return self._texts[text]

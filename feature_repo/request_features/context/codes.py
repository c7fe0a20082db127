"""Texts as the numbers of their pieces, kept, so that what many texts share is found at once."""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context.request_context import ItemValues

KEPT_BYTES = 16_000_000
"""Of texts and numbers, kept until a vocabulary starts anew: some hundred thousand titles."""

_NUMBER = np.int32
"""Half the memory to be read of what numpy would take."""


class TextCodes:
    """Numbers the pieces into which texts are cut.  Threads may share it."""

    def __init__(self, cut: Callable[[str], frozenset[str]]) -> None:
        """Number what `cut` gives."""
        self.cut = cut
        self._number: dict[str, int] = {}
        self._texts: dict[str, bytes] = {}
        self._kept_bytes = 0
        self._lock = Lock()

    def fresh(self) -> "TextCodes":
        """This one, or a new one where it keeps too much; numbers of the two are not the same."""
        return self if self._kept_bytes < KEPT_BYTES else TextCodes(self.cut)

    def values(self, texts: Sequence[str]) -> ItemValues:
        """The pieces of N texts, in no order, by their numbers."""
        try:
            found = [*map(self._texts.__getitem__, texts)]
        except KeyError:
            found = [*map(self._learned, texts)]
        codes = np.frombuffer(b"".join(found), _NUMBER)
        sizes = np.fromiter(map(len, found), np.int64, len(found)) // codes.itemsize
        return ItemValues([], codes, sizes)

    def numbers(self, pieces: Iterable[str]) -> npt.NDArray[np.int64]:
        """Numbers of the pieces that any text has which was looked at."""
        return np.array([self._number[p] for p in pieces if p in self._number], np.int64)

    def __len__(self) -> int:
        return len(self._number)

    def _learned(self, text: str) -> bytes:
        with self._lock:
            if text not in self._texts:
                pieces = self.cut(text)
                numbers = [self._number.setdefault(piece, len(self._number)) for piece in pieces]
                packed = self._texts[text] = np.array(numbers, _NUMBER).tobytes()
                self._kept_bytes += len(text) + len(packed)
        return self._texts[text]

"""What strings said when they were read before: what does not change is not decoded again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT_BYTES = 16_000_000
"""Of strings of numbers and short texts.  What they say takes a few times as much."""

KEPT_BYTES_OF_SOME = 1_000_000
"""Of strings of long lists, which take twenty times as much, and change often; a request reads a
shopper's twice, and the next comes soon."""

Decode = Callable[[Sequence[bytes | None]], Sequence[tuple[T, bool]]]
"""What each of some strings says, and whether it is sound: of a damaged one each read shall tell.
"""


class Remembered(Generic[T]):
    """What strings say, never None.  Threads may share it; nobody may change what it gives.

    The store is still asked at every request, so a string that is written anew is read anew.
    """

    def __init__(self, kept_bytes: int) -> None:
        """Keep strings of so many bytes together; then begin anew."""
        self._kept_bytes = kept_bytes
        self._known: dict[bytes | None, T] = {}
        self._bytes = 0

    def of(self, raw: Sequence[bytes | None], decode: Decode[T]) -> list[T]:
        """What N strings say, None among them, of which `decode` is asked for those not known."""
        found = [*map(self._known.get, raw)]
        if None not in found:
            return found  # type: ignore[return-value]
        unknown = dict.fromkeys(text for text, said in zip(raw, found, strict=True) if said is None)
        fresh = dict(zip(unknown, decode([*unknown]), strict=True))
        self._keep({text: said for text, (said, sound) in fresh.items() if sound})
        return [
            fresh[text][0] if said is None else said for text, said in zip(raw, found, strict=True)
        ]

    def _keep(self, sound: Mapping[bytes | None, T]) -> None:
        self._bytes += sum(len(text or b"") for text in sound)
        if self._bytes > self._kept_bytes:
            self._known, self._bytes = {}, 0
        self._known.update(sound)

"""A cache of decoded strings, keyed by their bytes: an unchanged string is decoded once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

CACHE_BYTES = 16_000_000
"""Limit for strings of numbers and short texts; decoded values take a few times as much."""

LIST_CACHE_BYTES = 1_000_000
"""Limit for strings of long lists, whose decoded values take twenty times as much.  They change
often; a request reads a shopper's twice, and the shopper's next request follows soon."""

Decode = Callable[[Sequence[bytes | None]], Sequence[tuple[T, bool]]]
"""Returns the value of each string, and whether the string is valid.  Values of damaged strings are
not cached, so that each read reports the damage."""


class DecodeCache(Generic[T]):
    """Decoded values, not None.  Threads may share it; callers must not change a value.

    The strings are still read at every request, so a string that changed is decoded again.
    """

    def __init__(self, max_bytes: int) -> None:
        """Cache values of strings of `max_bytes` together; beyond that, start empty again."""
        self._max_bytes = max_bytes
        self._values: dict[bytes | None, T] = {}
        self._bytes = 0

    def get(self, raw: Sequence[bytes | None], decode: Decode[T]) -> list[T]:
        """Return the values of N strings, None among them; `decode` gets those not cached."""
        values = [*map(self._values.get, raw)]
        if None not in values:
            return values  # type: ignore[return-value]
        missing = dict.fromkeys(t for t, value in zip(raw, values, strict=True) if value is None)
        fresh = dict(zip(missing, decode([*missing]), strict=True))
        self._add({text: value for text, (value, is_valid) in fresh.items() if is_valid})
        return [
            fresh[text][0] if value is None else value
            for text, value in zip(raw, values, strict=True)
        ]

    def _add(self, fresh: Mapping[bytes | None, T]) -> None:
        self._bytes += sum(len(text or b"") for text in fresh)
        if self._bytes > self._max_bytes:
            self._values, self._bytes = {}, 0
        self._values.update(fresh)

"""Rows that were read before, by their bytes: what does not change is not decoded again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Columns = Mapping[str, list[Any]]
"""N values of each feature, None where there is none."""

KEPT_BYTES = 16_000_000
"""Of stored strings a view; some fifty thousand items.  Their values take a few times as much."""


class RememberedRows:
    """The values of one view's rows.  Threads may share it; nobody may change a value.

    The store is still asked at every request, so a row that is written anew is read anew.
    """

    def __init__(self, decode: Callable[[Sequence[bytes | None]], Columns]) -> None:
        """Keep what `decode` gives: a value a row of each feature, all None for damaged rows."""
        self._decode = decode
        self._rows: dict[bytes | None, tuple[Any, ...]] = {}
        self._bytes = 0

    def columns(self, names: Sequence[str], raw: Sequence[bytes | None]) -> Columns:
        """The columns of N strings, in the order of `names`."""
        rows: list[tuple[Any, ...] | None] = [*map(self._rows.get, raw)]
        if None in rows:
            unknown = [*dict.fromkeys(text for text, row in zip(raw, rows, strict=True) if not row)]
            columns = self._decode(unknown)
            fresh = dict(zip(unknown, zip(*(columns[n] for n in names), strict=True), strict=True))
            self._keep(fresh)
            rows = [row or fresh[text] for text, row in zip(raw, rows, strict=True)]
        values = map(list, zip(*rows, strict=True)) if rows else ([] for _ in names)
        return dict(zip(names, values, strict=True))

    def _keep(self, fresh: Mapping[bytes | None, tuple[Any, ...]]) -> None:
        """Keep what is sound; of damaged rows each read shall tell."""
        sound = {text: row for text, row in fresh.items() if text is None or any_known(row)}
        self._bytes += sum(len(text or b"") for text in sound)
        if self._bytes > KEPT_BYTES:
            self._rows, self._bytes = {}, 0
        self._rows.update(sound)


def any_known(row: Sequence[Any]) -> bool:
    """Whether a row has a value at all."""
    return any(value is not None for value in row)

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

    def __init__(self, names: Sequence[str]) -> None:
        """Remember these features of each row."""
        self._names = tuple(names)
        self._rows: dict[bytes | None, tuple[Any, ...]] = {}
        self._bytes = 0

    def columns(
        self, raw: Sequence[bytes | None], decode: Callable[[Sequence[bytes | None]], Columns]
    ) -> Columns:
        """The columns of N strings, of which `decode` is asked for those not seen before.

        Args:
            raw: None where there is no row.
            decode: gives the columns of some strings, all None for a damaged row.
        """
        found = [*map(self._rows.get, raw)]
        if None in found:
            fresh = self._decoded(
                dict.fromkeys(text for text, row in zip(raw, found, strict=True) if row is None),
                decode,
            )
            found = [
                fresh[text] if row is None else row for text, row in zip(raw, found, strict=True)
            ]
        values = zip(*found, strict=True) if found else ((),) * len(self._names)
        return {name: list(column) for name, column in zip(self._names, values, strict=True)}

    def _decoded(
        self,
        unknown: Mapping[bytes | None, None],
        decode: Callable[[Sequence[bytes | None]], Columns],
    ) -> dict[bytes | None, tuple[Any, ...]]:
        columns = decode([*unknown])
        rows = zip(*(columns[name] for name in self._names), strict=True)
        fresh = dict(zip(unknown, rows, strict=True))
        self._keep({text: row for text, row in fresh.items() if _is_sound(text, row)})
        return fresh

    def _keep(self, sound: Mapping[bytes | None, tuple[Any, ...]]) -> None:
        self._bytes += sum(len(text or b"") for text in sound)
        if self._bytes > KEPT_BYTES:
            self._rows, self._bytes = {}, 0
        self._rows.update(sound)


def _is_sound(text: bytes | None, row: Sequence[Any]) -> bool:
    """Whether a row may be remembered; of a damaged one each read shall tell."""
    return text is None or any(value is not None for value in row)

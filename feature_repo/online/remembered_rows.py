"""Rows of values that were read before."""

from collections.abc import Callable, Sequence
from typing import Any

from feature_repo.online.remembered import KEPT_BYTES, Remembered

Columns = dict[str, list[Any]]
"""N values of each feature, None where there is none."""


class RememberedRows:
    """The values of one view's rows.  Threads may share it; nobody may change a value."""

    def __init__(self, names: Sequence[str], kept_bytes: int = KEPT_BYTES) -> None:
        """Remember these features of each row, of strings of so many bytes."""
        self._names = tuple(names)
        self._rows: Remembered[tuple[Any, ...]] = Remembered(kept_bytes)

    def columns(
        self, raw: Sequence[bytes | None], decode: Callable[[Sequence[bytes | None]], Columns]
    ) -> Columns:
        """The columns of N strings, of which `decode` is asked for those not seen before.

        Args:
            raw: None where there is no row.
            decode: gives the columns of some strings, all None for a damaged row.
        """
        rows = self._rows.of(raw, lambda unknown: self._decoded(unknown, decode))
        columns = zip(*rows, strict=True) if rows else ((),) * len(self._names)
        return {name: [*column] for name, column in zip(self._names, columns, strict=True)}

    def _decoded(
        self,
        unknown: Sequence[bytes | None],
        decode: Callable[[Sequence[bytes | None]], Columns],
    ) -> list[tuple[tuple[Any, ...], bool]]:
        columns = decode(unknown)
        rows = zip(*(columns[name] for name in self._names), strict=True)
        return [
            (row, text is None or any(value is not None for value in row))
            for text, row in zip(unknown, rows, strict=True)
        ]

"""Rows of values that were read before."""

from collections.abc import Callable, Sequence
from typing import Any

from feature_repo.online.hydration.decode_cache import KEPT_BYTES, Remembered

Row = dict[str, Any]
Columns = dict[str, list[Any]]
"""N values of each feature, None where there is none."""


class RememberedRows:
    """Rows of one view.  Threads may share it; nobody may change a row."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        """Remember the rows that strings of so many bytes hold."""
        self._rows: Remembered[Row] = Remembered(kept_bytes)

    def rows(
        self, raw: Sequence[bytes | None], decode: Callable[[Sequence[bytes | None]], Columns]
    ) -> list[Row]:
        """The rows of N strings, of which `decode` is asked for those not seen before.

        Args:
            raw: None where there is no row.
            decode: gives the columns of some strings, all None where there is none or it is
                damaged.
        """
        return self._rows.of(raw, lambda unknown: _decoded(unknown, decode(unknown)))


def _decoded(raw: Sequence[bytes | None], columns: Columns) -> list[tuple[Row, bool]]:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        (row, text is None or any(value is not None for value in row.values()))
        for text, row in zip(raw, rows, strict=True)
    ]

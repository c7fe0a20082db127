"""A cache of decoded rows of one view."""

from collections.abc import Callable, Sequence
from typing import Any

from feature_repo.online.hydration.decode_cache import CACHE_BYTES, DecodeCache

Row = dict[str, Any]
Columns = dict[str, list[Any]]
"""N values of each feature, None where missing."""


class RowCache:
    """A cache of rows of one view.  Threads may share it; callers must not change a row."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        """Cache the rows of strings of `max_bytes` together."""
        self._rows: DecodeCache[Row] = DecodeCache(max_bytes)

    def rows(
        self, raw: Sequence[bytes | None], decode: Callable[[Sequence[bytes | None]], Columns]
    ) -> list[Row]:
        """Return the rows of N strings.

        Args:
            raw: None for a missing row.
            decode: returns the columns of strings that are not cached; all values of a missing or
                damaged string are None.
        """
        return self._rows.get(raw, lambda missing: _rows(missing, decode(missing)))


def _rows(raw: Sequence[bytes | None], columns: Columns) -> list[tuple[Row, bool]]:
    """Return N rows, each with whether its string is valid."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        (row, text is None or any(value is not None for value in row.values()))
        for text, row in zip(raw, rows, strict=True)
    ]

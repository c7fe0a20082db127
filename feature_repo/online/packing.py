"""Rows of features to bytes, a column at a time, and back; `row_layout` describes the bytes.

Pure functions of arrays and bytes.  Bytes that are no row of the layout, cut short or written for
another schema, are told apart from rows and harm nobody else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.online.row_layout import HAS_CREATED, VERSION, RowField, RowLayout

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FixedColumn:
    """N values of one size, and which of them are null."""

    values: npt.NDArray[Any]
    nulls: Bools


Payloads = Sequence[bytes | None]
"""N payloads of variable size, None for null."""


def pack(
    layout: RowLayout,
    columns: Mapping[str, FixedColumn | Payloads],
    event: Ints,
    created: Ints | None = None,
) -> list[bytes]:
    """Write N rows.

    Args:
        layout: of the rows.
        columns: by feature; one that is absent is null.
        event: shape (N,), µs.
        created: shape (N,), µs; None where it is the event time.
    """
    heads = np.zeros(len(event), layout.head)
    heads["version"], heads["schema"], heads["event"] = VERSION, layout.schema, event
    nulls = np.ones((len(event), len(layout.fields)), bool)
    for place, field in enumerate(layout.fields):
        column = columns.get(field.name)
        if isinstance(column, FixedColumn):
            nulls[:, place] = column.nulls
            heads[field.block][:, field.slot] = np.where(column.nulls, 0, column.values)
        elif column is not None:
            nulls[:, place] = [payload is None for payload in column]
    heads["nulls"] = np.packbits(nulls, axis=1, bitorder="little")
    later = np.zeros(len(event), bool) if created is None else created != event
    heads["flags"][later] = HAS_CREATED
    bodies = _bodies(layout, columns, heads) if layout.variable else None
    return _joined(heads, bodies, later, event if created is None else created)


def _bodies(
    layout: RowLayout, columns: Mapping[str, FixedColumn | Payloads], heads: npt.NDArray[np.void]
) -> list[bytes]:
    """Each row's payloads, one after the other; writes where they end into the heads."""
    absent: Payloads = [None] * len(heads)
    payloads = [columns.get(field.name, absent) for field in layout.variable]
    rows = [[payload or b"" for payload in row] for row in zip(*payloads, strict=True)]
    heads["ends"] = [list(accumulate(map(len, row))) for row in rows] or 0
    return [b"".join(row) for row in rows]


def _joined(
    heads: npt.NDArray[np.void], bodies: Sequence[bytes] | None, later: Bools, created: Ints
) -> list[bytes]:
    size, text = heads.itemsize, heads.tobytes()
    rows = [text[at : at + size] for at in range(0, len(text), size)]
    if bodies is not None:
        rows = [head + body for head, body in zip(rows, bodies, strict=True)]
    for n in np.flatnonzero(later).tolist():
        rows[n] += int(created[n]).to_bytes(8, "little", signed=True)
    return rows


@dataclass(frozen=True)
class RowBatch:
    """N strings as a store gave them, read as rows of one layout.

    Attributes:
        layout: of the rows.
        raw: N strings, None where there was none.
        heads: shape (N,), all null where there is no row.
        found: shape (N,): whether there is a row.
        damaged: shape (N,): whether there are bytes that are no row of this layout.
    """

    layout: RowLayout
    raw: Sequence[bytes | None]
    heads: npt.NDArray[np.void]
    found: Bools
    damaged: Bools

    @classmethod
    def read(cls, layout: RowLayout, raw: Sequence[bytes | None]) -> "RowBatch":
        """Read the heads at once, whatever the strings hold."""
        size, blank = layout.head.itemsize, layout.blank
        sizes = np.fromiter((-1 if row is None else len(row) for row in raw), np.int64, len(raw))
        whole = (sizes >= size).tolist()
        heads = np.frombuffer(
            b"".join(
                [row[:size] if ok else blank for row, ok in zip(raw, whole, strict=True)]  # type: ignore[index]
            ),
            layout.head,
        )
        found = _is_row(layout, heads, sizes)
        strange = (sizes >= 0) & ~found
        if strange.any():
            heads = heads.copy()
            heads[strange] = np.frombuffer(blank, layout.head)
        return cls(layout, raw, heads, found, strange)

    def without(self, damaged: Bools) -> "RowBatch":
        """The same, with some rows found to be damaged after all; shape (N,)."""
        heads = self.heads.copy()
        heads[damaged] = np.frombuffer(self.layout.blank, self.layout.head)
        return RowBatch(self.layout, self.raw, heads, self.found & ~damaged, self.damaged | damaged)

    @cached_property
    def nulls(self) -> Bools:
        """Shape (N, fields): whether there is no value."""
        bits = np.unpackbits(self.heads["nulls"], axis=1, bitorder="little")
        return bits[:, : len(self.layout.fields)].astype(bool)

    @property
    def event(self) -> Ints:
        """Shape (N,): event times in µs, 0 where there is no row."""
        times: Ints = self.heads["event"]
        return times

    def values(self, field: RowField) -> npt.NDArray[Any]:
        """Shape (N,): values of a field of fixed size, 0 where they are null."""
        column: npt.NDArray[Any] = self.heads[field.block][:, field.slot]
        return column

    def payloads(self, field: RowField) -> list[bytes | None]:
        """N payloads of a field of variable size."""
        size, ends = self.layout.head.itemsize, self.heads["ends"]
        stops = (size + ends[:, field.slot].astype(np.int64)).tolist()
        starts = (
            (size + ends[:, field.slot - 1].astype(np.int64)).tolist()
            if field.slot
            else [size] * len(stops)
        )
        nulls = self.nulls[:, self.layout.places[field.name]].tolist()
        return [
            None if null or row is None else row[start:stop]
            for row, start, stop, null in zip(self.raw, starts, stops, nulls, strict=True)
        ]


def _is_row(layout: RowLayout, heads: npt.NDArray[np.void], sizes: Ints) -> Bools:
    """Whether each string has the version, the schema and exactly the size it should have."""
    expected = layout.head.itemsize + 8 * (heads["flags"] & HAS_CREATED).astype(np.int64)
    fits = (heads["version"] == VERSION) & (heads["schema"] == layout.schema)
    if layout.variable:
        ends = heads["ends"].astype(np.int64)
        fits &= (np.diff(ends, axis=1) >= 0).all(axis=1)
        expected = expected + ends[:, -1]
    found: Bools = fits & (sizes == expected)
    return found

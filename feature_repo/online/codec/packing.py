"""Packs rows of features into bytes, column by column, and reads them; see `row_layout`.

Pure functions of arrays and bytes.  Bytes that are not a row of the layout, because they are cut
short or of another schema, are marked as damaged and do not affect other rows.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.online.codec.row_layout import (
    CHECKSUM_SIZE,
    FLAG_SHIFT,
    HAS_CREATED,
    KIND_SIZE,
    VERSION,
    WHOLE,
    WIDTH_FLAGS,
    WIDTHS,
    RowField,
    RowLayout,
)
from feature_repo.online.redis import BYTES, concatenate

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FixedColumn:
    """N values of one size, and which of them are null."""

    values: npt.NDArray[Any]
    nulls: Bools


Payloads: TypeAlias = pa.Array
"""N payloads of variable size, of type `BYTES`."""


def pack(
    layout: RowLayout,
    columns: Mapping[str, FixedColumn | Payloads],
    event: Ints,
    created: Ints | None = None,
) -> pa.Array:
    """Pack N rows into strings of type `BYTES`.

    Args:
        layout: of the rows.
        columns: by feature; an absent feature is null.
        event: shape (N,), µs.
        created: shape (N,), µs; None for the event times.
    """
    if not len(event):
        return pa.array([], BYTES)
    heads = np.zeros(len(event), layout.head)
    heads["version"], heads["schema"], heads["event"] = VERSION, layout.schema, event
    nulls = np.ones((len(event), len(layout.fields)), bool)
    for position, field in enumerate(layout.fields):
        column = columns.get(field.name)
        if isinstance(column, FixedColumn):
            nulls[:, position] = column.nulls
            heads[field.block][:, field.slot] = np.where(column.nulls, 0, column.values)
        elif column is not None:
            nulls[:, position] = column.is_null().to_numpy(zero_copy_only=False)
    heads["nulls"] = np.packbits(nulls, axis=1, bitorder="little")
    created = event if created is None else created
    differs = created != event
    heads["flags"] = _widths(heads) | differs * np.uint8(HAS_CREATED)
    bodies = _bodies(layout, columns, heads)
    return _with_checksums(
        concatenate(_narrowed(layout, heads), *bodies, _created(created, differs))
    )


def _with_checksums(rows: pa.Array) -> pa.Array:
    checksums = np.fromiter(map(zlib.crc32, rows.to_pylist()), "<u4", len(rows))
    ends = np.arange(0, checksums.nbytes + 1, CHECKSUM_SIZE, dtype=np.int64)
    return concatenate(
        rows, pa.Array.from_buffers(BYTES, len(rows), [None, *map(pa.py_buffer, (ends, checksums))])
    )


def _widths(heads: npt.NDArray[np.void]) -> npt.NDArray[np.uint8]:
    """Return flags of the smallest widths that hold each row's values exactly, shape (N,)."""
    flags = np.zeros(len(heads), np.uint8)
    names: tuple[str, ...] = heads.dtype.names or ()
    for block in FLAG_SHIFT.keys() & set(names):
        smallest = np.zeros(len(heads), np.uint8)
        for width, code in enumerate(WIDTHS[block][1:], start=1):
            with np.errstate(over="ignore"):
                narrow = heads[block].astype(code)
            same = (narrow == heads[block]) | (heads[block] != heads[block])
            smallest[same.all(axis=1)] = width
        flags |= smallest << FLAG_SHIFT[block]
    return flags


def _narrowed(layout: RowLayout, heads: npt.NDArray[np.void]) -> pa.Array:
    """Return the heads as bytes, each of the widths in its flags."""
    widths = heads["flags"] & np.uint8(WIDTH_FLAGS)
    groups = [np.flatnonzero(widths == width) for width in np.unique(widths)]
    narrowed = [_as(heads[rows], layout.heads[int(widths[rows[0]])]) for rows in groups]
    texts = [
        pa.Array.from_buffers(
            pa.binary(part.itemsize), len(part), [None, pa.py_buffer(part.tobytes())]
        ).cast(BYTES)
        for part in narrowed
    ]
    if len(texts) == 1:
        return texts[0]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(np.concatenate(groups))))


def _as(heads: npt.NDArray[np.void], dtype: "np.dtype[np.void]") -> npt.NDArray[np.void]:
    """Convert heads to other widths; the values must fit."""
    if heads.dtype == dtype:
        return heads
    converted = np.empty(len(heads), dtype)
    for name in dtype.names or ():
        converted[name] = heads[name]
    return converted


def _bodies(
    layout: RowLayout, columns: Mapping[str, FixedColumn | Payloads], heads: npt.NDArray[np.void]
) -> list[pa.Array]:
    """Return the payloads of each field of variable size, and write their ends into the heads."""
    if not layout.variable:
        return []
    absent = pa.nulls(len(heads), BYTES)
    variable = [cast(Payloads, columns.get(field.name, absent)) for field in layout.variable]
    payloads = [column.fill_null(b"") for column in variable]
    sizes = [pc.binary_length(column).to_numpy() for column in payloads]
    heads["ends"] = np.cumsum(sizes, axis=0).T
    return payloads


def _created(created: Ints, differs: Bools) -> pa.Array:
    """Return the created times that differ from the event times, empty strings for the others."""
    ends = np.concatenate([[0], np.cumsum(differs * np.int64(8))])
    stamps = created[differs].astype("<i8").tobytes()
    return pa.Array.from_buffers(
        BYTES, len(created), [None, pa.py_buffer(ends), pa.py_buffer(stamps)]
    )


@dataclass(frozen=True)
class RowBatch:
    """N stored strings, read as rows of one layout.

    Attributes:
        layout: of the rows.
        raw: N strings, None where nothing is stored.
        heads: shape (N,), all null for a missing row.
        present: shape (N,): whether there is a row.
        damaged: shape (N,): whether the bytes are not a row of this layout.
    """

    layout: RowLayout
    raw: Sequence[bytes | None]
    heads: npt.NDArray[np.void]
    present: Bools
    damaged: Bools

    @classmethod
    def read(cls, layout: RowLayout, raw: Sequence[bytes | None]) -> "RowBatch":
        """Read the heads in one pass; the strings may be anything."""
        rows = [row for row in raw if row is not None] if None in raw else raw
        uniform = _uniform_heads(layout, rows)  # type: ignore[arg-type]
        if uniform is not None:
            present = np.ones(len(raw), bool)
            if len(rows) < len(raw):
                present = np.array([row is not None for row in raw])
                uniform = _spread(layout, uniform, present)
            return cls(layout, raw, uniform, present, np.zeros(len(raw), bool))
        sizes = np.fromiter((-1 if row is None else len(row) for row in raw), np.int64, len(raw))
        flags = np.array([row[1] if row and len(row) > 1 else 0 for row in raw], np.uint8)
        whole = sizes >= layout.sizes[flags]
        heads = _heads(layout, raw, flags & np.uint8(WIDTH_FLAGS), whole)
        present = _is_row(layout, heads, sizes)
        present[present] = [
            zlib.crc32(row) == WHOLE  # type: ignore[arg-type]
            for row, is_row in zip(raw, present.tolist(), strict=True)
            if is_row
        ]
        damaged = (sizes >= 0) & ~present
        if damaged.any():
            heads = heads.copy()
            heads[damaged] = _blank(layout, heads.dtype)
        return cls(layout, raw, heads, present, damaged)

    def without(self, damaged: Bools) -> "RowBatch":
        """Return the batch with more rows marked as damaged; shape (N,)."""
        heads = self.heads.copy()
        heads[damaged] = _blank(self.layout, heads.dtype)
        return RowBatch(
            self.layout, self.raw, heads, self.present & ~damaged, self.damaged | damaged
        )

    @cached_property
    def nulls(self) -> Bools:
        """Whether a value is null, shape (N, fields)."""
        count = len(self.layout.fields)
        bits = np.unpackbits(self.heads["nulls"], axis=1, count=count, bitorder="little")
        return bits.view(bool)

    @property
    def is_full(self) -> bool:
        """Whether every row is present and has every value; missing rows are all null."""
        return bool(self.layout.fields) and not self.heads["nulls"].any()

    @property
    def event(self) -> Ints:
        """Event times in µs, 0 for a missing row, shape (N,)."""
        times: Ints = self.heads["event"]
        return times

    def values(self, field: RowField) -> npt.NDArray[Any]:
        """Return the values of a field of fixed size, 0 for null, shape (N,)."""
        column: npt.NDArray[Any] = self.heads[field.block][:, field.slot]
        return column

    def payloads(self, field: RowField) -> list[bytes | None]:
        """Return the N payloads of a field of variable size."""
        begin, ends = self.layout.sizes[self.heads["flags"]], self.heads["ends"].astype(np.int64)
        starts = (begin + ends[:, field.slot - 1] if field.slot else begin).tolist()
        stops = (begin + ends[:, field.slot]).tolist()
        nulls = self.nulls[:, self.layout.positions[field.name]].tolist()
        return [
            None if null or row is None else row[start:stop]
            for row, start, stop, null in zip(self.raw, starts, stops, nulls, strict=True)
        ]


def _uniform_heads(layout: RowLayout, rows: Sequence[bytes]) -> npt.NDArray[np.void] | None:
    """Return the heads if all rows are valid and of one width, as they usually are; else None."""
    kind = layout.heads.get(rows[0][1] & ~HAS_CREATED) if rows and len(rows[0]) > 1 else None
    if kind is None:
        return None
    lengths = {*map(len, rows)}
    if min(lengths) < kind.itemsize + CHECKSUM_SIZE or {*map(zlib.crc32, rows)} != {WHOLE}:
        return None
    text = b"".join([row[: kind.itemsize] for row in rows])
    heads = np.frombuffer(text, kind)
    if lengths == {kind.itemsize + CHECKSUM_SIZE} and not layout.variable:
        kinds = np.frombuffer(text, np.uint8).reshape(len(rows), -1)[:, :KIND_SIZE]
        expected = np.frombuffer(layout.kind(rows[0][1] & ~HAS_CREATED), np.uint8)
        return heads if (kinds == expected).all() else None
    flags = heads["flags"]
    is_uniform = not ((flags ^ flags[0]) & WIDTH_FLAGS).any()
    sizes = np.fromiter(map(len, rows), np.int64, len(rows))
    return heads if is_uniform and _is_row(layout, heads, sizes).all() else None


def _spread(layout: RowLayout, heads: npt.NDArray[np.void], present: Bools) -> npt.NDArray[np.void]:
    """Return heads at the positions of present rows, and blank ones between them."""
    spread = np.empty(len(present), heads.dtype)
    spread[present], spread[~present] = heads, _blank(layout, heads.dtype)
    return spread


def _heads(
    layout: RowLayout, raw: Sequence[bytes | None], flags: npt.NDArray[np.uint8], whole: Bools
) -> npt.NDArray[np.void]:
    """Return the heads of complete rows, of one width if all share it; others are blank."""
    kinds = np.unique(flags[whole]).tolist()
    common = layout.heads[kinds[0] if len(kinds) == 1 else 0]
    heads = np.empty(len(raw), common)
    heads[~whole] = _blank(layout, common)
    for kind in kinds:
        chosen = whole & (flags == kind)
        size, mask = layout.heads[kind].itemsize, chosen.tolist()
        text = b"".join([row[:size] for row, ok in zip(raw, mask, strict=True) if ok])  # type: ignore[index]
        heads[chosen] = _as(np.frombuffer(text, layout.heads[kind]), common)
    return heads


def _blank(layout: RowLayout, dtype: "np.dtype[np.void]") -> npt.NDArray[np.void]:
    """Return the head of a row of nulls, shape (1,)."""
    return _as(np.frombuffer(layout.blank, layout.head), dtype)


def _is_row(layout: RowLayout, heads: npt.NDArray[np.void], sizes: Ints) -> Bools:
    """Return whether each string has the version, schema and size of a row of the layout."""
    created = 8 * (heads["flags"] & HAS_CREATED).astype(np.int64)
    expected = layout.sizes[heads["flags"]] + created + CHECKSUM_SIZE
    fits = (heads["version"] == VERSION) & (heads["schema"] == layout.schema)
    if layout.variable:
        ends = heads["ends"].astype(np.int64)
        fits &= (np.diff(ends, axis=1) >= 0).all(axis=1)
        expected = expected + ends[:, -1]
    is_row: Bools = fits & (sizes == expected)
    return is_row

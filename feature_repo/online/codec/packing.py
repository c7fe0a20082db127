"""Rows of features to bytes, a column at a time, and back; `row_layout` describes the bytes.

Pure functions of arrays and bytes.  Bytes that are no row of the layout, cut short or written for
another schema, are told apart from rows and harm nobody else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.online.codec.row_layout import (
    FLAG_SHIFT,
    HAS_CREATED,
    KIND_SIZE,
    VERSION,
    WIDTH_FLAGS,
    WIDTHS,
    RowField,
    RowLayout,
)
from feature_repo.online.redis import BYTES, joined

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
    """Write N rows, as strings of type `BYTES`.

    Args:
        layout: of the rows.
        columns: by feature; one that is absent is null.
        event: shape (N,), µs.
        created: shape (N,), µs; None where it is the event time.
    """
    if not len(event):
        return pa.array([], BYTES)
    heads = np.zeros(len(event), layout.head)
    heads["version"], heads["schema"], heads["event"] = VERSION, layout.schema, event
    nulls = np.ones((len(event), len(layout.fields)), bool)
    for place, field in enumerate(layout.fields):
        column = columns.get(field.name)
        if isinstance(column, FixedColumn):
            nulls[:, place] = column.nulls
            heads[field.block][:, field.slot] = np.where(column.nulls, 0, column.values)
        elif column is not None:
            nulls[:, place] = column.is_null().to_numpy(zero_copy_only=False)
    heads["nulls"] = np.packbits(nulls, axis=1, bitorder="little")
    made = event if created is None else created
    heads["flags"] = _widths(heads) | (made != event) * np.uint8(HAS_CREATED)
    bodies = _bodies(layout, columns, heads)
    return joined(_narrowed(layout, heads), *bodies, _created(made, made != event))


def _widths(heads: npt.NDArray[np.void]) -> npt.NDArray[np.uint8]:
    """Shape (N,): flags that say the least widths that hold each row's values exactly."""
    flags = np.zeros(len(heads), np.uint8)
    names: tuple[str, ...] = heads.dtype.names or ()
    for block in FLAG_SHIFT.keys() & set(names):
        least = np.zeros(len(heads), np.uint8)
        for place, code in enumerate(WIDTHS[block][1:], start=1):
            with np.errstate(over="ignore"):
                narrow = heads[block].astype(code)
            same = (narrow == heads[block]) | (heads[block] != heads[block])
            least[same.all(axis=1)] = place
        flags |= least << FLAG_SHIFT[block]
    return flags


def _narrowed(layout: RowLayout, heads: npt.NDArray[np.void]) -> pa.Array:
    """The heads as bytes, each as wide as its flags say."""
    widths = heads["flags"] & np.uint8(WIDTH_FLAGS)
    groups = [np.flatnonzero(widths == width) for width in np.unique(widths)]
    narrowed = [_as(heads[of_it], layout.heads[int(widths[of_it[0]])]) for of_it in groups]
    texts = [
        pa.Array.from_buffers(
            pa.binary(part.itemsize), len(part), [None, pa.py_buffer(part.tobytes())]
        ).cast(BYTES)
        for part in narrowed
    ]
    if len(texts) == 1:
        return texts[0]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(np.concatenate(groups))))


def _as(heads: npt.NDArray[np.void], wanted: "np.dtype[np.void]") -> npt.NDArray[np.void]:
    """Heads with other widths; the values must fit."""
    if heads.dtype == wanted:
        return heads
    changed = np.empty(len(heads), wanted)
    for name in wanted.names or ():
        changed[name] = heads[name]
    return changed


def _bodies(
    layout: RowLayout, columns: Mapping[str, FixedColumn | Payloads], heads: npt.NDArray[np.void]
) -> list[pa.Array]:
    """The payloads of each field of variable size; writes into the heads where they end."""
    if not layout.variable:
        return []
    absent = pa.nulls(len(heads), BYTES)
    found = [cast(Payloads, columns.get(field.name, absent)) for field in layout.variable]
    payloads = [column.fill_null(b"") for column in found]
    sizes = [pc.binary_length(column).to_numpy() for column in payloads]
    heads["ends"] = np.cumsum(sizes, axis=0).T
    return payloads


def _created(created: Ints, told: Bools) -> pa.Array:
    """The created times of the rows that tell theirs, and nothing of the others."""
    ends = np.concatenate([[0], np.cumsum(told * np.int64(8))])
    stamps = created[told].astype("<i8").tobytes()
    return pa.Array.from_buffers(
        BYTES, len(created), [None, pa.py_buffer(ends), pa.py_buffer(stamps)]
    )


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
        there = [row for row in raw if row is not None] if None in raw else raw
        alike = _alike(layout, there)  # type: ignore[arg-type]
        if alike is not None:
            found = np.ones(len(raw), bool)
            if len(there) < len(raw):
                found = np.array([row is not None for row in raw])
                alike = _spread(layout, alike, found)
            return cls(layout, raw, alike, found, np.zeros(len(raw), bool))
        sizes = np.fromiter((-1 if row is None else len(row) for row in raw), np.int64, len(raw))
        flags = np.array([row[1] if row and len(row) > 1 else 0 for row in raw], np.uint8)
        whole = sizes >= layout.sizes[flags]
        heads = _heads(layout, raw, flags & np.uint8(WIDTH_FLAGS), whole)
        found = _is_row(layout, heads, sizes)
        strange = (sizes >= 0) & ~found
        if strange.any():
            heads = heads.copy()
            heads[strange] = _blank(layout, heads.dtype)
        return cls(layout, raw, heads, found, strange)

    def without(self, damaged: Bools) -> "RowBatch":
        """The same, with some rows found to be damaged after all; shape (N,)."""
        heads = self.heads.copy()
        heads[damaged] = _blank(self.layout, heads.dtype)
        return RowBatch(self.layout, self.raw, heads, self.found & ~damaged, self.damaged | damaged)

    @cached_property
    def nulls(self) -> Bools:
        """Shape (N, fields): whether there is no value."""
        count = len(self.layout.fields)
        bits = np.unpackbits(self.heads["nulls"], axis=1, count=count, bitorder="little")
        return bits.view(bool)

    @property
    def is_full(self) -> bool:
        """Whether every row is there and has every value; of those not there each is null."""
        return bool(self.layout.fields) and not self.heads["nulls"].any()

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
        begin, ends = self.layout.sizes[self.heads["flags"]], self.heads["ends"].astype(np.int64)
        starts = (begin + ends[:, field.slot - 1] if field.slot else begin).tolist()
        stops = (begin + ends[:, field.slot]).tolist()
        nulls = self.nulls[:, self.layout.positions[field.name]].tolist()
        return [
            None if null or row is None else row[start:stop]
            for row, start, stop, null in zip(self.raw, starts, stops, nulls, strict=True)
        ]


def _alike(layout: RowLayout, rows: Sequence[bytes]) -> npt.NDArray[np.void] | None:
    """The heads of rows that are all sound and of one width, as rows usually are."""
    kind = layout.heads.get(rows[0][1] & ~HAS_CREATED) if rows and len(rows[0]) > 1 else None
    if kind is None:
        return None
    lengths = {*map(len, rows)}
    if min(lengths) < kind.itemsize:
        return None
    is_whole = lengths == {kind.itemsize}
    text = b"".join(rows if is_whole else [row[: kind.itemsize] for row in rows])
    heads = np.frombuffer(text, kind)
    if is_whole and not layout.variable:
        kinds = np.frombuffer(text, np.uint8).reshape(len(rows), -1)[:, :KIND_SIZE]
        expected = np.frombuffer(layout.kind(rows[0][1] & ~HAS_CREATED), np.uint8)
        return heads if (kinds == expected).all() else None
    flags = heads["flags"]
    alike = not ((flags ^ flags[0]) & WIDTH_FLAGS).any()
    sizes = np.fromiter(map(len, rows), np.int64, len(rows))
    return heads if alike and _is_row(layout, heads, sizes).all() else None


def _spread(layout: RowLayout, heads: npt.NDArray[np.void], found: Bools) -> npt.NDArray[np.void]:
    """Heads in their places, and blank ones between them."""
    spread = np.empty(len(found), heads.dtype)
    spread[found], spread[~found] = heads, _blank(layout, heads.dtype)
    return spread


def _heads(
    layout: RowLayout, raw: Sequence[bytes | None], flags: npt.NDArray[np.uint8], whole: Bools
) -> npt.NDArray[np.void]:
    """The heads of whole rows, of one width where all have it; others are blank."""
    kinds = np.unique(flags[whole]).tolist()
    common = layout.heads[kinds[0] if len(kinds) == 1 else 0]
    heads = np.empty(len(raw), common)
    heads[~whole] = _blank(layout, common)
    for kind in kinds:
        of_it = whole & (flags == kind)
        size, wanted = layout.heads[kind].itemsize, of_it.tolist()
        text = b"".join([row[:size] for row, ok in zip(raw, wanted, strict=True) if ok])  # type: ignore[index]
        heads[of_it] = _as(np.frombuffer(text, layout.heads[kind]), common)
    return heads


def _blank(layout: RowLayout, wanted: "np.dtype[np.void]") -> npt.NDArray[np.void]:
    """Shape (1,): the head of a row in which nothing is known."""
    return _as(np.frombuffer(layout.blank, layout.head), wanted)


def _is_row(layout: RowLayout, heads: npt.NDArray[np.void], sizes: Ints) -> Bools:
    """Whether each string has the version, the schema and exactly the size it should have."""
    expected = layout.sizes[heads["flags"]] + 8 * (heads["flags"] & HAS_CREATED).astype(np.int64)
    fits = (heads["version"] == VERSION) & (heads["schema"] == layout.schema)
    if layout.variable:
        ends = heads["ends"].astype(np.int64)
        fits &= (np.diff(ends, axis=1) >= 0).all(axis=1)
        expected = expected + ends[:, -1]
    found: Bools = fits & (sizes == expected)
    return found

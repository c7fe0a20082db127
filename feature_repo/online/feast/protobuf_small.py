"""Encodes a few packed rows as Feast's response, value by value: arrays would cost more.

`protobuf_response` encodes what this module cannot, to the same bytes.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from feature_repo.home import SECOND
from feature_repo.online.codec import (
    CHECKSUM_SIZE,
    HAS_CREATED,
    VERSION,
    WHOLE,
    RowField,
    RowLayout,
)
from feature_repo.online.feast.protobuf_wire import (
    NO_TIME,
    NO_VALUE,
    NOT_FOUND,
    NULL_VALUE,
    OUTSIDE_MAX_AGE,
    PRESENT,
    RESULT,
    STATUSES,
    TIME,
    VALUE,
    sized,
    value_tag,
    varint,
)

MAX_ROWS = 32
"""Largest number of rows for this module; `protobuf_response` encodes more rows faster."""

_Head = tuple[Any, ...]
_Row = tuple[Sequence[bytes], bytes, bytes]
"""Encoded values and statuses by feature, and the encoded event time."""

_HEADER = 5
"""Number of fields of a head before the first value: version, flags, schema, time, null bits."""


class RowEncoder:
    """Encodes rows of one layout as vectors of some of its features."""

    def __init__(self, layout: RowLayout, features: Sequence[str]) -> None:
        self._layout = layout
        self._structs = {flags: _struct(head) for flags, head in layout.heads.items()}
        fields = [layout.fields[layout.positions[name]] for name in features]
        self._bits = [1 << layout.positions[field.name] for field in fields]
        self._write = [_writer(layout, field) for field in fields]
        self._size = len(fields)
        self._missing_row = ([NO_VALUE] * self._size, self._all(NOT_FOUND), NO_TIME)

    def results(self, raw: Sequence[bytes | None], oldest: int | None) -> bytes | None:
        """Encode the results of N strings; return None if one is not a row of the layout.

        Args:
            raw: N strings, None where nothing is stored.
            oldest: event time in µs before which a row is outside the ttl; None without a ttl.
        """
        rows = [self._row(text, oldest) for text in raw]
        if None in rows:
            return None
        values, statuses, times = zip(*rows, strict=True)
        of_features = zip(zip(*values, strict=True), zip(*statuses, strict=True), strict=True)
        end = b"".join(times)
        vectors = [
            b"".join(written) + sized(STATUSES, bytes(status)) + end
            for written, status in of_features
        ]
        return b"".join([sized(RESULT, vector) for vector in vectors])

    def _row(self, text: bytes | None, oldest: int | None) -> _Row | None:
        if text is None:
            return self._missing_row
        kind = self._structs.get(text[1] & ~HAS_CREATED) if len(text) > 1 else None
        if kind is None or len(text) < kind.size:
            return None
        head = kind.unpack_from(text)
        if not self._is_row(head, kind.size, len(text)) or zlib.crc32(text) != WHOLE:
            return None
        event, nulls = head[3], int.from_bytes(head[4], "little")
        time = sized(TIME, _time(event))
        if oldest is not None and event < oldest:
            return [NO_VALUE] * self._size, self._all(OUTSIDE_MAX_AGE), time
        body = text[kind.size :]
        values = [
            NO_VALUE if nulls & bit else write(head, body)
            for bit, write in zip(self._bits, self._write, strict=True)
        ]
        return values, bytes([NULL_VALUE if nulls & bit else PRESENT for bit in self._bits]), time

    def _is_row(self, head: _Head, begin: int, size: int) -> bool:
        """Return whether the string is a row, by the rules of `packing.RowBatch`."""
        expected = begin + 8 * (head[1] & HAS_CREATED) + CHECKSUM_SIZE
        if self._layout.variable:
            ends = head[-len(self._layout.variable) :]
            if list(ends) != sorted(ends):
                return False
            expected += ends[-1]
        is_same_schema: bool = head[0] == VERSION and head[2] == self._layout.schema
        return is_same_schema and size == expected

    def _all(self, status: int) -> bytes:
        return bytes([status]) * self._size


@lru_cache(maxsize=1000)
def row_encoder(layout: RowLayout, features: tuple[str, ...]) -> RowEncoder:
    """Return the cached encoder of a layout."""
    return RowEncoder(layout, features)


def _struct(head: Any) -> struct.Struct:
    """Return a struct of the same bytes as a head's numpy type."""
    codes = {"<i8": "q", "<i4": "i", "<i2": "h", "<f8": "d", "<f4": "f", "|u1": "B", "<u4": "I"}
    blocks = [head[name] for name in head.names[_HEADER:]]
    body = [f"{block.shape[0]}{codes[block.base.str]}" for block in blocks]
    return struct.Struct(f"<BBIq{head['nulls'].shape[0]}s" + "".join(body))


def _writer(layout: RowLayout, field: RowField) -> Callable[[_Head, bytes], bytes]:
    """Return a function that encodes a field's value from a head and its payloads."""
    tag, at = value_tag(field.kind), _position(layout, field)
    if field.block is None:
        first = field.slot == 0
        return lambda head, body: sized(
            VALUE, sized(tag, body[0 if first else head[at - 1] : head[at]])
        )
    if field.kind in ("DOUBLE", "FLOAT"):
        number = struct.Struct("<d" if field.kind == "DOUBLE" else "<f")
        begin, pack = VALUE + bytes([len(tag) + number.size]) + tag, number.pack
        return lambda head, _: begin + pack(head[at])
    unit = SECOND if field.kind == "UNIX_TIMESTAMP" else 1
    if field.kind == "BOOL":
        return lambda head, _: sized(VALUE, tag + varint(head[at] != 0))
    return lambda head, _: sized(VALUE, tag + varint(head[at] // unit))


def _position(layout: RowLayout, field: RowField) -> int:
    """Return the index of a field's value, or of its payload's end, in an unpacked head."""
    names: Sequence[str] = layout.head.names or ()
    before = names[_HEADER : names.index(field.block or "ends")]
    sizes: list[int] = [layout.head[name].shape[0] for name in before]
    return _HEADER + sum(sizes) + field.slot


def _time(event: int) -> bytes:
    seconds, micros = divmod(event, SECOND)
    return b"\x08" + varint(seconds) + b"\x10" + varint(micros * 1000)

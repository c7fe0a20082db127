"""Records to the columns of `ARROW_SCHEMAS` and back."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import msgspec
import pyarrow as pa

from feature_repo.events.contract import ARROW_SCHEMAS, KINDS, AnyEvent, query_key

DERIVED = ("seen_at", "part", "query_key")
"""Columns that follow from others and are no part of a record."""

_JSON = ("fields", "overrides", "sources")


def to_table(kind: str, events: Sequence[AnyEvent], part_of: Callable[[int], int]) -> pa.Table:
    """Lay out N events of one kind as a table of N rows, in the order given."""
    schema = ARROW_SCHEMAS[kind]
    columns = [_column(field, events, part_of) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def from_table(kind: str, table: pa.Table) -> Iterator[AnyEvent]:
    """Read a table made by `to_table` back; a column added to the contract since is left open."""
    written = [name for name in ARROW_SCHEMAS[kind].names if name in table.column_names]
    names = [name for name in written if name not in DERIVED]
    plain = {name: _plain(name, table.column(name)) for name in names}
    for values in zip(*plain.values(), strict=True):
        row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        yield cast(AnyEvent, msgspec.convert(row, KINDS[kind]))


def _column(field: pa.Field, events: Sequence[AnyEvent], part_of: Callable[[int], int]) -> pa.Array:
    match field.name:
        case "part":
            values: list[Any] = [part_of(event.seen_at) for event in events]
        case "query_key":
            values = [query_key(event.query, event.market) for event in cast(Any, events)]
        case "items":
            return _slates([event.items for event in cast(Any, events)], field.type)
        case name if name in _JSON:
            values = [msgspec.json.encode(getattr(event, name)).decode() for event in events]
        case name:
            values = [getattr(event, name) for event in events]
    return pa.array(values, field.type)


def _slates(slates: Sequence[Sequence[Any]], type_: pa.ListType) -> pa.ListArray:
    """Build the list column from its flat children, many times faster than from objects."""
    ends = [0]
    for slate in slates:
        ends.append(ends[-1] + len(slate))
    children = [
        pa.array([getattr(item, child.name) for slate in slates for item in slate], child.type)
        for child in type_.value_type
    ]
    flat = pa.StructArray.from_arrays(children, fields=list(type_.value_type))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat, type=type_)


def _plain(name: str, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values = cast(list[Any], column.to_pylist())
    return [msgspec.json.decode(value) for value in values] if name in _JSON else values

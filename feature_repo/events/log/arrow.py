"""Convert records to the columns of `ARROW_SCHEMAS` and back."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any, cast

import msgspec
import pyarrow as pa

from feature_repo.events.contract import DERIVED_COLUMNS, EVENT_KINDS, AnyEvent, EventKind


def to_table(kind: str, events: Sequence[AnyEvent], part_of: Callable[[int], int]) -> pa.Table:
    """Return a table of N rows, one for each of N events of a kind, in the same order."""
    declared = EVENT_KINDS[kind]
    schema = declared.arrow_schema
    columns = [_column(declared, field, events, part_of) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def from_table(kind: str, table: pa.Table) -> Iterator[AnyEvent]:
    """Read the events of a table of `to_table`; fields added since get their defaults."""
    declared = EVENT_KINDS[kind]
    names = [name for name in declared.fields if name in table.column_names]
    columns = {name: _values(declared, name, table.column(name)) for name in names}
    for values in zip(*columns.values(), strict=True):
        row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        yield cast(AnyEvent, msgspec.convert(row, declared.record))


def _column(
    kind: EventKind, field: pa.Field, events: Sequence[AnyEvent], part_of: Callable[[int], int]
) -> pa.Array:
    name = field.name
    if name in DERIVED_COLUMNS:
        return pa.array(DERIVED_COLUMNS[name].values(events, part_of), field.type)
    values: list[Any] = [*map(attrgetter(name), events)]
    if pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
        return _slates(values, field.type)
    if name in kind.json_columns:
        values = [_json(value) for value in values]
    return pa.array(values, field.type)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _slates(slates: Sequence[Sequence[Any]], type_: pa.ListType) -> pa.ListArray:
    """Build a list column from its flat children, many times faster than from objects."""
    ends = [*accumulate(map(len, slates), initial=0)]
    items = [*chain.from_iterable(slates)]
    children = [
        pa.array([*map(attrgetter(child.name), items)], child.type) for child in type_.value_type
    ]
    flat = pa.StructArray.from_arrays(children, fields=list(type_.value_type))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat, type=type_)


def _values(kind: EventKind, name: str, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values = cast(list[Any], column.to_pylist())
    if name in kind.json_columns:
        return [None if value is None else msgspec.json.decode(value) for value in values]
    return values

"""Converts Arrow columns to columns of stored rows, without a Python value for each number.

Rare types (sets, maps, decimals, lists with nulls) go through Feast's own conversion to protobuf
values, so that the results are equal.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from feast import ValueType
from feast.feature_view import DUMMY_ENTITY_ID
from feast.type_map import python_values_to_proto_values

from feature_repo.home import SECOND, CatalogueError
from feature_repo.online.codec import BLOCK_OF, FixedColumn, Payloads, RowField, RowLayout
from feature_repo.online.feast.proto_values import column_of, message_class
from feature_repo.online.redis import BYTES, concatenate, decimal_lengths, keys

_ARROW = {
    "DOUBLE": pa.float64(),
    "FLOAT": pa.float32(),
    "INT64": pa.int64(),
    "INT32": pa.int32(),
    "BOOL": pa.bool_(),
}
_INSIDE: dict[str, Callable[[pa.DataType], bool]] = {
    "DOUBLE_LIST": pa.types.is_float64,
    "FLOAT_LIST": pa.types.is_float32,
    "INT64_LIST": pa.types.is_int64,
    "INT32_LIST": pa.types.is_int32,
    "BOOL_LIST": pa.types.is_boolean,
    "STRING_LIST": pa.types.is_string,
    "BYTES_LIST": pa.types.is_binary,
}


def columns_of(layout: RowLayout, table: pa.Table) -> dict[str, FixedColumn | Payloads]:
    """Return the columns of a table's N rows, by feature.

    Raises:
        CatalogueError: a column is absent or cannot be read as its feature's type.
    """
    return {field.name: _column(field, column(table, field.name)) for field in layout.fields}


def suffixes_of(table: pa.Table, join_kinds: Mapping[str, str]) -> pa.Array:
    """Return the key suffixes of a table's N entities; null where a join key is null.

    Args:
        table: has a column for each join key; Feast's dummy key needs none.
        join_kinds: join key → name of its Feast value type.

    Raises:
        CatalogueError: a join key is absent, or of a type that cannot be a key.
    """
    return concatenate(
        *(
            pa.repeat(pa.scalar(keys.NO_ENTITY, BYTES), table.num_rows)
            if name == DUMMY_ENTITY_ID
            else _suffixes(name, kind, column(table, name))
            for name, kind in sorted(join_kinds.items())
        )
    )


def column(table: pa.Table, name: str) -> pa.Array:
    """Return a table's column in one piece.

    Raises:
        CatalogueError: the table has no such column.
    """
    if name not in table.column_names:
        raise CatalogueError(f"expected a column {name}, found {table.column_names}")
    values = table[name].combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def instants(column: pa.Array) -> FixedColumn:
    """Return times in µs, 0 for null; naive times are UTC, integers are seconds."""
    nulls = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type):
        seconds = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return FixedColumn(seconds * SECOND, nulls)
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    micros = column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    return FixedColumn(micros.fill_null(0).to_numpy(zero_copy_only=False), nulls)


def _column(field: RowField, column: pa.Array) -> FixedColumn | Payloads:
    try:
        if field.kind == "UNIX_TIMESTAMP":
            return instants(column)
        if field.kind in BLOCK_OF:
            return _numbers(field, column)
        if _is_text(column.type) if field.kind == "STRING" else _is_bytes(field, column.type):
            return column.cast(BYTES)
        if field.kind in _INSIDE and _is_plain(column, _INSIDE[field.kind]):
            return _lists(field, column)
        values = column.to_numpy(zero_copy_only=False)
        return column_of(field, python_values_to_proto_values(values, ValueType[field.kind]))
    except (pa.ArrowException, ValueError, TypeError) as error:
        if _has_nulls_inside(column):
            raise CatalogueError(
                f"{field.name}: expected {field.kind}, found a null inside a list; Feast's lists "
                "cannot have nulls, so remove it or give it a value"
            ) from error
        raise CatalogueError(
            f"{field.name}: expected {field.kind}, found Arrow's {column.type} ({error})"
        ) from error


def _has_nulls_inside(column: pa.Array) -> bool:
    return _is_list(column.type) and column.flatten().null_count > 0


def _numbers(field: RowField, column: pa.Array) -> FixedColumn:
    """Convert numbers as Feast does: exactly to integers, to the nearest value for floats."""
    target = _ARROW[field.kind]
    nulls = column.is_null()
    if pa.types.is_integer(target) and pa.types.is_floating(column.type):
        nulls = column.is_null(nan_is_null=True)
        column = pc.if_else(nulls, pa.scalar(None, column.type), column)
    cast = column.cast(target, safe=not pa.types.is_floating(target))
    full = cast.fill_null(False if pa.types.is_boolean(target) else 0)
    values = full.to_numpy(zero_copy_only=False)
    return FixedColumn(values, nulls.to_numpy(zero_copy_only=False))


def _is_plain(column: pa.Array, is_inside: Callable[[pa.DataType], bool]) -> bool:
    is_list = _is_list(column.type) and is_inside(column.type.value_type)
    return is_list and not _has_nulls_inside(column)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _lists(field: RowField, column: pa.Array) -> Payloads:
    message = message_class(field.kind)
    payloads = [
        None if values is None else message(val=values).SerializeToString()
        for values in column.to_pylist()
    ]
    return pa.array(payloads, BYTES)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(field: RowField, kind: pa.DataType) -> bool:
    plain = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return field.kind == "BYTES" and bool(plain)


def _suffixes(name: str, kind: str, column: pa.Array) -> pa.Array:
    if kind == "STRING" and _is_text(column.type):
        return _sized(b"s", column.cast(BYTES))
    if kind in ("INT64", "INT32") and pa.types.is_integer(column.type):
        return _sized(b"i", column.cast(pa.large_string()).cast(BYTES))
    try:
        values = python_values_to_proto_values(column.drop_null().to_pylist(), ValueType[kind])
        suffixes = iter([keys.entity_suffix({name: value}) for value in values])
    except (TypeError, ValueError) as error:
        raise CatalogueError(f"{name}: {error}") from error
    return pa.array([next(suffixes) if ok else None for ok in column.is_valid().to_pylist()], BYTES)


def _sized(letter: bytes, texts: pa.Array) -> pa.Array:
    """Return suffixes in the form of `keys.entity_suffix`."""
    return concatenate(letter, decimal_lengths(texts), b":", texts)

"""Read events from Parquet files whose columns are the keys of the contract.

A column `kind` gives each row's kind; without it the kind follows from the columns, unless they are
those of another dialect. `fields` may be
JSON text, a struct (null: absent) or a map (null: removed); `items` a list of texts or structs.
Columns that the log derives are skipped, so its own files can be read.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import DERIVED_COLUMNS, EVENT_KINDS, SHOP_KINDS
from feature_repo.events.dialects import is_recognized
from feature_repo.home import EventError

PARQUET_MAGIC = b"PAR1"
_BATCH = 2_000
_IN_EVERY_KIND = {"event_id", "event_time"}
"""Required by every kind. A row without one still has a kind; the parser names the missing key."""

Row = tuple[int, object, EventError | None]
"""Row number from 1; the object, or None and why it cannot be read."""


def read_rows(file: IO[bytes]) -> Iterator[Row]:
    """Yield each row as an object for the parser."""
    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        yield 0, None, not_parquet(error)
        return
    row = 0
    for group in range(parquet.num_row_groups):
        first, rows = row, parquet.metadata.row_group(group).num_rows
        try:
            for batch in parquet.iter_batches(_BATCH, row_groups=[group]):
                for raw in _objects(batch):
                    row += 1
                    yield row, raw, None
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            for number in range(row + 1, first + rows + 1):
                yield number, None, unreadable_row(error)
        row = first + rows


def not_parquet(error: Exception) -> EventError:
    """Return the error of a file that begins as Parquet does."""
    return EventError("file", "Parquet", error)


def unreadable_row(error: Exception) -> EventError:
    """Return the error of a row whose values cannot be decoded."""
    return EventError("row", "a readable row", error)


def kind_of_columns(columns: set[str]) -> str | None:
    """Return the kind of event whose required fields are among the columns.

    Of several, the kind with the most required fields is returned: an interaction has an item too.
    """
    kinds = sorted(
        (EVENT_KINDS[kind] for kind in SHOP_KINDS), key=lambda kind: -len(kind.required_in_log)
    )
    matches = (kind.name for kind in kinds if kind.required_in_log - _IN_EVERY_KIND <= columns)
    return next(matches, None)


def _objects(batch: pa.RecordBatch) -> Iterator[dict[str, object]]:
    names = [name for name in batch.schema.names if name not in DERIVED_COLUMNS]
    columns = [_values(batch.column(name), name) for name in names]
    has_dialect = is_recognized(dict.fromkeys(names))
    kind = None if has_dialect else kind_of_columns(set(names))
    constant = {} if kind is None else {"kind": kind}
    for values in zip(*columns, strict=True):
        yield constant | {
            name: value for name, value in zip(names, values, strict=True) if value is not None
        }


def _values(column: pa.Array, name: str) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [*map(_text, values)]
    if pa.types.is_map(column.type):
        return [None if v is None else {k: _plain(e) for k, e in v} for v in values]
    if name == "fields" and not pa.types.is_nested(column.type):
        return [_json(value) for value in values]
    if pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type):
        return values
    return values if pa.types.is_string(column.type) else [_plain(value) for value in values]


def _plain(value: object) -> object:
    """Convert a value to JSON types; instants become UTC text without an offset.

    An offset would be read as the local time, which Parquet does not store.
    """
    match value:
        case datetime():
            aware = value.astimezone(UTC) if value.tzinfo else value
            return aware.replace(tzinfo=None).isoformat()
        case date() | time():
            return value.isoformat()
        case Decimal():
            return float(value)
        case dict():
            return {name: _plain(element) for name, element in value.items() if element is not None}
        case list():
            return [_plain(element) for element in value]
    return value


def _text(value: bytes | None) -> str | bytes | None:
    """Return text that was written without its type, as old writers do."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value

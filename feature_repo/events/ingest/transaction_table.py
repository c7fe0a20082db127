"""Read a table of transactions, Parquet or delimited text, in time order.

An export may have any order, and an item's current price depends on time, so the mapping's columns
are read as a whole and sorted. A line that cannot be read is reported with its number.
"""

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.events.contract import text
from feature_repo.events.ingest.files import damaged, unzipped
from feature_repo.events.ingest.parquet import PARQUET_MAGIC, not_parquet, unreadable_row
from feature_repo.events.ingest.transaction_mapping import Cells, TableMapping
from feature_repo.home import EventError, MappingError, from_datetime, parse_instant

NEVER = -1
"""The instant of a line whose time cannot be read."""

_BLOCK = 20_000
_TIME = "an ISO 8601 time, or one of the mapping's time_format"


@dataclass
class Table:
    """The content of a file.

    Attributes:
        rows: R rows of the mapping's columns.
        numbers: R line numbers of a text file, or row numbers of Parquet, from 1.
        refused: numbers of lines that cannot be read, and why; 0 is the whole file.
    """

    rows: pa.Table
    numbers: list[int] = field(default_factory=list)
    refused: list[tuple[int, EventError]] = field(default_factory=list)


def read_table(file: IO[bytes], mapping: TableMapping) -> Table:
    """Read the columns that the mapping names, those of joined tables included.

    Raises:
        MappingError: a file lacks one of them, or has it twice; or a joined file cannot be read.
    """
    table = _read(file, mapping, mapping.own_columns)
    for join in mapping.joins:
        try:
            with join.path.open("rb") as other:
                joined = _read(other, mapping, join.columns(mapping.joined_columns))
        except OSError as error:
            raise MappingError(f"[[join]]: {join.path} cannot be read: {error}.") from None
        if joined.refused:
            number, refusal = joined.refused[0]
            raise MappingError(f"[[join]]: {join.path}, line {number}: {refusal}.")
        table.rows = join.added(table.rows, joined.rows)
    return table


def _read(file: IO[bytes], mapping: TableMapping, names: Sequence[str]) -> Table:
    magic = file.read(4)
    if magic == PARQUET_MAGIC:
        return _parquet(file, names)
    return _text(unzipped(file, magic), mapping, names)


def in_time_order(table: Table, mapping: TableMapping) -> Iterator[tuple[int, int, Cells]]:
    """Yield number, instant and cells of each line; lines without an instant (`NEVER`) come first.

    Lines of one instant are ordered by their cells, so the order of the file has no effect.
    """
    moments = table.rows.column(mapping.columns.time).to_pylist()
    instant_by_moment = {moment: _instant(moment, mapping) for moment in set(moments)}
    instants = pa.array([instant_by_moment[moment] for moment in moments], pa.int64())
    others = [name for name in mapping.source_columns if name != mapping.columns.time]
    keys = {"": instants} | {name: _sortable(table.rows.column(name)) for name in others}
    order = pc.sort_indices(pa.table(keys), [(name, "ascending") for name in keys])
    for start in range(0, len(order), _BLOCK):
        indexes = order.slice(start, _BLOCK)
        lines = table.rows.take(indexes).to_pylist()
        block = zip(indexes.to_pylist(), instants.take(indexes).to_pylist(), lines, strict=True)
        for index, instant, cells in block:
            yield table.numbers[index], instant, cells


def instant_of(moment: object, mapping: TableMapping) -> int:
    """Return the instant of a time; without an offset it is local time of the mapping's zone.

    A local hour that occurs twice is the first of the two; an hour that is skipped uses the offset
    before it (RFC 5545).

    Raises:
        EventError: the value is not a time.
    """
    value: object = moment
    if isinstance(moment, str):
        value = _read_time(moment.strip(), mapping)
    elif isinstance(moment, date) and not isinstance(moment, datetime):
        value = datetime.combine(moment, time())
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=mapping.zone)
        return parse_instant(from_datetime(aware), mapping.columns.time)
    return parse_instant(value, mapping.columns.time)


def _read_time(text: str, mapping: TableMapping) -> object:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if mapping.time_format is None:
            return text
    try:
        return datetime.strptime(text, mapping.time_format)
    except ValueError:
        raise EventError(mapping.columns.time, _TIME, text) from None


def _instant(moment: object, mapping: TableMapping) -> int:
    try:
        return NEVER if moment is None else instant_of(moment, mapping)
    except EventError:
        return NEVER


def _sortable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_floating(column.type) else column.cast(pa.string())


def _parquet(file: IO[bytes], names: Sequence[str]) -> Table:
    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        return Table(_empty(names), [], [(0, not_parquet(error))])
    _check(parquet.schema_arrow.names, names)
    groups, table, row = [], Table(_empty(names)), 0
    for group in range(parquet.num_row_groups):
        numbers = range(row + 1, row + 1 + parquet.metadata.row_group(group).num_rows)
        row += len(numbers)
        try:
            groups.append(_plain(parquet.read_row_group(group, columns=list(names)), names))
            table.numbers += numbers
        except (pa.ArrowException, OSError, ValueError) as error:
            table.refused += [(number, unreadable_row(error)) for number in numbers]
    if groups:
        table.rows = pa.concat_tables(groups)
    return table


def _plain(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """Convert dictionaries, decimals and nanoseconds to plain texts, numbers and times."""
    columns = {}
    for name in names:
        column = rows.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        columns[name] = column
    return pa.table(columns)


def _text(stream: IO[bytes], mapping: TableMapping, names: Sequence[str]) -> Table:
    encoding = "utf-8-sig" if mapping.encoding.lower() in ("utf-8", "utf8") else mapping.encoding
    text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
    reader = csv.reader(text, delimiter=mapping.delimiter)
    cells: dict[str, list[str | None]] = {name: [] for name in names}
    table = Table(_empty(names))
    header = next(reader, [])
    _check(header, names)
    positions = [header.index(name) for name in names]
    for number, row in _rows(reader, len(header), table.refused):
        try:
            values = [_cell(row[n], header[n]) for n in positions]
        except EventError as error:
            table.refused.append((number, error))
            continue
        table.numbers.append(number)
        for name, cell in zip(names, values, strict=True):
            cells[name].append(cell)
    text.detach()
    table.rows = pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})
    return table


def _rows(
    reader: Any, width: int, refused: list[tuple[int, EventError]]
) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and rows of the right width; add the others to `refused`."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refused.append((reader.line_num, EventError("line", "a readable line", error)))
        except (OSError, EOFError, zlib.error) as error:
            refused.append((reader.line_num + 1, damaged(error)))
            return
        else:
            if len(row) == width:
                yield reader.line_num, row
            elif row:
                refused.append((reader.line_num, EventError("line", f"{width} cells", len(row))))


def _cell(cell: str, column: str) -> str | None:
    return text(cell, column) if cell.strip() else None


def _empty(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in names})


def _check(columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if list(columns).count(name) != 1]
    if missing:
        raise MappingError(
            f"Expected the mapping's columns {', '.join(missing)} exactly once; the table has "
            f"{', '.join(columns) or 'none'}. Correct the mapping or give its own table."
        )

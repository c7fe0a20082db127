"""What the footers of Parquet files say of their rows, without a read of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import from_datetime
from feature_repo.offline.parquet.timestamps import UTC_MICROS

TIME = "event_timestamp"

_COUNTS = 32_768
"""Counts of files in memory: some 10 MB, in the console alone."""


@dataclass(frozen=True)
class Bounds:
    """The rows of a row group, and the ends of one column in it; None without statistics.

    Instants are µs since 1970, or a datetime where the file has another unit.
    """

    rows: int
    low: Any
    high: Any


def count_rows(paths: Sequence[Path]) -> int:
    """Return the number of rows of some files."""
    return sum(_count(path, path.stat().st_mtime_ns, None) for path in paths)


def count_values(paths: Sequence[Path], column: str) -> int:
    """Return the number of values of a flat column that are not null."""
    return sum(_count(path, path.stat().st_mtime_ns, column) for path in paths)


def column_bounds(path: Path, column: str) -> list[Bounds]:
    """Return the bounds of a flat column in each row group of a file."""
    metadata, bounds = pq.read_metadata(path), []
    position = _position(metadata, column)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        bounds.append(Bounds(group.num_rows, *_ends(group.column(position).statistics)))
    return bounds


def _ends(statistics: pq.Statistics | None) -> tuple[Any, Any]:
    """Return the least and the largest value; instants in µs, where the file has them so."""
    if statistics is None or not statistics.has_min_max:
        return None, None
    if '"timeUnit":"microseconds"' in statistics.logical_type.to_json():
        # As numbers: pyarrow imports pandas when it makes a time.
        return statistics.min_raw, statistics.max_raw
    return statistics.min, statistics.max


def newest_time(paths: Sequence[Path], now: int) -> int | None:
    """Return the newest `event_timestamp` up to an instant, µs; None without one.

    Only row groups with times both before and after the instant are read.
    """
    return max((at for path in paths for at in _newest_times(path, now)), default=None)


def _newest_times(path: Path, now: int) -> list[int]:
    times = []
    for number, bounds in enumerate(column_bounds(path, TIME)):
        low, high = _micros(bounds.low), _micros(bounds.high)
        if high is not None and high <= now:
            times.append(high)
        elif low is None or low <= now:
            times += _read_newest(path, number, now)
    return times


def _read_newest(path: Path, group: int, now: int) -> list[int]:
    with pq.ParquetFile(path) as file:
        column = file.read_row_group(group, columns=[TIME])[TIME].cast(UTC_MICROS).cast(pa.int64())
    newest = pc.max(column.filter(pc.less_equal(column, now))).as_py()
    return [] if newest is None else [newest]


def _micros(instant: datetime | int | None) -> int | None:
    return from_datetime(instant) if isinstance(instant, datetime) else instant


@lru_cache(_COUNTS)
def _count(path: Path, _changed: int, column: str | None) -> int:
    """Count the rows of a file, or the values of a column."""
    metadata = pq.read_metadata(path)
    if column is None:
        return int(metadata.num_rows)
    position, count = _position(metadata, column), 0
    for number in range(metadata.num_row_groups):
        chunk = metadata.row_group(number).column(position)
        if chunk.statistics is not None and chunk.statistics.has_null_count:
            count += chunk.num_values - chunk.statistics.null_count
        else:
            count += _read_count(path, number, column)
    return count


def _read_count(path: Path, group: int, column: str) -> int:
    """Count the values of a row group without statistics."""
    with pq.ParquetFile(path) as file:
        values = file.read_row_group(group, columns=[column])[column]
    return len(values) - int(values.null_count)


def _position(metadata: pq.FileMetaData, column: str) -> int:
    """Return the number of a flat column."""
    schema = metadata.schema
    return next(n for n in range(metadata.num_columns) if schema.column(n).path == column)

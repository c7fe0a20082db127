"""Relations: the compacted form of the log, Parquet files by kind, day and part.

compacted/<kind>/day=YYYY-MM-DD/part-<part>.parquet      day of seen_at + 1 µs, UTC

Each page has a checksum, because nothing can derive the log again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS, AnyEvent
from feature_repo.events.log.arrow import from_table, to_table
from feature_repo.events.log.seals import Instants, Seals
from feature_repo.home import DAY, LogError, replacing, to_datetime

GROUP_BYTES = 32 << 20
"""JSON bytes of a row group at most, unless one event has more."""


def relation_path(folder: Path, kind: str, day: int, part: int) -> Path:
    """Return the file of one kind, day (days since 1970) and part."""
    date = to_datetime(day * DAY).strftime("%Y-%m-%d")
    return folder / kind / f"day={date}" / f"part-{part:08d}.parquet"


def relation_path_of(folder: Path, event: AnyEvent, seals: Seals) -> Path:
    """Return the file of an event."""
    return relation_path(
        folder, event.kind, (event.seen_at + 1) // DAY, seals.part_of(event.seen_at)
    )


def relation_days(seen_at: Instants) -> Instants:
    """Return the folder days of N events, shape (N,): an event's first day visible to requests."""
    return (seen_at + 1) // DAY


def list_relations(folder: Path, kind: str = "*", *, since: int = 0) -> list[Path]:
    """Return the files of one kind, or of all kinds, oldest day first.

    Args:
        since: µs; files whose last event was seen before it are left out.
    """
    first_day = f"day={to_datetime(max(since, 0)).strftime('%Y-%m-%d')}"
    paths = sorted(folder.glob(f"{kind}/day=*/part-*.parquet"))
    return [path for path in paths if path.parent.name >= first_day]


def kind_of(relation: Path) -> str:
    """Return the kind of the events in a file."""
    return relation.parts[-3]


def part_of(relation: Path) -> int:
    """Return the part of the events in a file."""
    return int(relation.stem.removeprefix("part-"))


def relation_order(relation: Path) -> tuple[str, int, str]:
    """Return the sort key of a file: day and part, then kind."""
    return relation.parent.name, part_of(relation), kind_of(relation)


def row_groups(lengths: Sequence[int], size: int) -> Iterator[slice]:
    """Cut lines into groups of at most `size` lines and `GROUP_BYTES` bytes.

    >>> list(row_groups([1, 1, 1], 2))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    start, total = 0, 0
    for n, length in enumerate(lengths):
        if n > start and (n - start == size or total + length > GROUP_BYTES):
            yield slice(start, n)
            start, total = n, 0
        total += length
    yield slice(start, len(lengths))


@contextmanager
def replacing_relation(path: Path) -> Iterator[Callable[[Sequence[AnyEvent]], pa.Table]]:
    """Replace a file by the events of each call of the yielded function, a row group each.

    The function returns the rows that it wrote.
    """
    kind, part = kind_of(path), part_of(path)
    schema = EVENT_KINDS[kind].arrow_schema
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):

        def write(events: Sequence[AnyEvent]) -> pa.Table:
            table = to_table(kind, events, lambda _: part)
            writer.write_table(table)
            return table

        yield write


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file of the log to read it.

    Raises:
        FileNotFoundError: it was removed.
        LogError: it is damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise LogError(
            f"{path}: expected the pages that were written, found others ({error}). Restore the "
            "file from a backup, or remove it and ingest its events again; nothing else has them."
        ) from None


def check_relations(paths: Iterable[Path]) -> None:
    """Read files completely.

    Raises:
        LogError: one is damaged.
    """
    for path in paths:
        with _opened(path) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)


def read_relation(path: Path) -> Iterator[AnyEvent]:
    """Read all events of a file, with one row group in memory at a time."""
    for group in read_groups(path):
        yield from group


def read_groups(path: Path) -> Iterator[list[AnyEvent]]:
    """Read the events of a file, one row group after the other."""
    with _opened(path) as file:
        for group in range(file.num_row_groups):
            yield list(from_table(kind_of(path), file.read_row_group(group)))


def read_columns(path: Path, names: Sequence[str]) -> pa.Table:
    """Read some columns of a file; a file from before a column existed lacks it."""
    with _opened(path) as file:
        present = set(file.schema_arrow.names)
        return file.read([name for name in names if name in present])


def read_rows(path: Path, rows: Iterable[int]) -> pa.Table:
    """Read some rows of a file, by number, from only the row groups that contain them."""
    requested, start, tables = sorted(rows), 0, []
    with _opened(path) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            inside = [row - start for row in requested if start <= row < start + size]
            if inside:
                tables.append(file.read_row_group(group).take(inside))
            start += size
    return pa.concat_tables(tables)


def read_row(path: Path, row: int) -> AnyEvent:
    """Read one event of a file, by its row number."""
    status = path.stat()
    starts = _group_starts(path, status.st_mtime_ns)
    group = max(n for n, start in enumerate(starts) if start <= row)
    table = _group(path, status.st_mtime_ns, group)
    return next(from_table(kind_of(path), table.slice(row - starts[group], 1)))


@lru_cache(maxsize=256)
def _group_starts(path: Path, _changed: int) -> list[int]:
    with _opened(path) as file:
        metadata = file.metadata
    starts = [0]
    for group in range(metadata.num_row_groups - 1):
        starts.append(starts[-1] + metadata.row_group(group).num_rows)
    return starts


@lru_cache(maxsize=4)
def _group(path: Path, _changed: int, group: int) -> pa.Table:
    with _opened(path) as file:
        return file.read_row_group(group)

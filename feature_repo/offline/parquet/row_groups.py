"""The Parquet files of a source as one long table with numbered rows.

Files are ordered by name, so row numbers are stable while the files do not change.  A read after a
file has changed fails.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from feature_repo.home import CatalogueError, SourceChangedError
from feature_repo.offline.parquet.files import ParquetFile, list_files
from feature_repo.offline.parquet.timestamps import as_utc
from feature_repo.offline.parquet.unified_schema import unified_schema

BATCH_ROWS = 32_768
"""Rows that a worker decodes at a time: 256 kB a column, which fits into the CPU cache."""

_READ_AHEAD_BYTES = 1 << 20

_CUT = 1
"""Tolerance in µs: nanosecond statistics may exceed their value in whole microseconds."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class RowGroup:
    """Rows `first` … `first + rows` of the source: one or more consecutive row groups of a file."""

    path: str
    numbers: tuple[int, ...]
    first: int
    rows: int
    earliest: int | None = None
    latest: int | None = None
    created: int | None = None
    """The latest created time, µs."""


@dataclass(frozen=True)
class ParquetRows:
    """The numbered rows of a source."""

    path: str
    filesystem: pafs.FileSystem
    time_column: str | None
    created_column: str | None
    files: tuple[ParquetFile, ...]
    listed_ns: int

    @classmethod
    def open(
        cls,
        path: str,
        filesystem: pafs.FileSystem,
        time_column: str | None = None,
        created_column: str | None = None,
    ) -> "ParquetRows":
        """List the files: one file, a pattern, or every `*.parquet` below a folder.

        Raises:
            CatalogueError: there is no file.
        """
        now = time.time_ns()
        files = list_files(path, filesystem)
        if not files:
            raise CatalogueError(
                f"{path} holds no Parquet file; write the rows of the feature view there first."
            )
        return cls(path, filesystem, time_column, created_column, files, now)

    def refreshed(self) -> "ParquetRows":
        """List the files again; return self if nothing has changed."""
        now = ParquetRows.open(self.path, self.filesystem, self.time_column, self.created_column)
        return self if now.files == self.files else now

    @property
    def identity(self) -> tuple[ParquetFile, ...]:
        """The file versions: they change when a file is written, added or removed."""
        return self.files

    @property
    def has_settled(self) -> bool:
        """Whether every later change to a file changes `identity`."""
        return all(file.has_settled(self.listed_ns) for file in self.files)

    @cached_property
    def schema(self) -> pa.Schema:
        """One schema for all files; a column that a file lacks is null there.

        Raises:
            CatalogueError: a column's types in two files have no common type.
        """
        return unified_schema(
            {file.path: self._open(file.path).schema_arrow for file in self.files}
        )

    @cached_property
    def groups(self) -> tuple[RowGroup, ...]:
        """Every row group, with the bounds of the time column if the file has statistics."""
        groups: list[RowGroup] = []
        first = 0
        for file in self.files:
            opened = self._open(file.path)
            stamp, created = (_leaf(opened, c) for c in (self.time_column, self.created_column))
            for number in range(opened.metadata.num_row_groups):
                metadata = opened.metadata.row_group(number)
                bounds = (*_bounds(metadata, stamp), _bounds(metadata, created)[1])
                groups.append(RowGroup(file.path, (number,), first, metadata.num_rows, *bounds))
                first += metadata.num_rows
        return tuple(groups)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.groups[-1].first + self.groups[-1].rows if self.groups else 0

    def within(
        self, earliest: int | None, latest: int | None, *, late: bool = False
    ) -> tuple[RowGroup, ...]:
        """Return the row groups that may have a time between the bounds, both inclusive.

        Args:
            earliest: µs; None for no bound.
            latest: µs; None for no bound.
            late: also return groups that may have an older row created since `earliest`.
        """
        return tuple(g for g in self.groups if _overlaps(g, earliest, latest, late))

    @staticmethod
    def merge_groups(groups: Sequence[RowGroup], rows: int) -> list[RowGroup]:
        """Merge neighbouring groups of a file into groups of at most `rows` rows."""
        runs: list[RowGroup] = []
        for group in groups:
            last = runs[-1] if runs else None
            if last and _adjoin(last, group) and last.rows + group.rows <= rows:
                numbers = last.numbers + group.numbers
                runs[-1] = RowGroup(last.path, numbers, last.first, last.rows + group.rows)
            else:
                runs.append(group)
        return runs

    def row_bytes(self, columns: Mapping[str, str]) -> float:
        """Mean decoded bytes of a row's columns, by the metadata of the first file."""
        opened = self._open(self.files[0].path)
        selected, total, rows = set(columns.values()), 0, 0
        for number in range(opened.metadata.num_row_groups):
            metadata = opened.metadata.row_group(number)
            rows += metadata.num_rows
            for leaf in range(metadata.num_columns):
                column = metadata.column(leaf)
                if column.path_in_schema.split(".")[0] in selected:
                    total += column.total_uncompressed_size
        return total / rows if rows else 0.0

    def read(
        self,
        groups: Sequence[RowGroup],
        columns: Sequence[str],
        reader: Callable[[RowGroup, Iterator[pa.RecordBatch]], Result],
        threads: int,
    ) -> list[Result]:
        """Call the reader with each group and its batches; return results in the groups' order.

        Raises:
            SourceChangedError: a file has changed since the files were listed.
        """
        schema = pa.schema([self.field(name) for name in columns])

        def one(group: RowGroup) -> Result:
            return reader(group, self._batches(group, schema))

        if len(groups) < 2 or threads < 2:
            return [one(group) for group in groups]
        with ThreadPoolExecutor(threads) as workers:
            return list(workers.map(one, groups))

    def _batches(self, group: RowGroup, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield at least one batch: a group without rows yields an empty one."""
        opened = self._open(group.path)
        present = [name for name in schema.names if name in opened.schema_arrow.names]
        if not present or not group.rows:
            yield _filled(pa.table({"": pa.nulls(group.rows)}), schema)
            return
        for batch in opened.iter_batches(
            BATCH_ROWS, row_groups=list(group.numbers), columns=present, use_threads=False
        ):
            yield batch if batch.schema.equals(schema) else _filled(batch, schema)
        self._check(group.path)

    def field(self, name: str) -> pa.Field:
        """Return the field of a column.

        Raises:
            CatalogueError: there is no such column.
        """
        if name not in self.schema.names:
            raise CatalogueError(
                f"{self.files[0].path} has no column {name!r}; "
                f"it has {', '.join(self.schema.names)}."
            )
        return self.schema.field(name)

    def _open(self, path: str) -> pq.ParquetFile:
        try:
            opened = pq.ParquetFile(
                path, filesystem=self.filesystem, buffer_size=_READ_AHEAD_BYTES, pre_buffer=False
            )
        except (OSError, pa.ArrowInvalid) as error:
            self._check(path)
            raise CatalogueError(
                f"{path} cannot be read as Parquet ({error}); write it again, or remove it."
            ) from error
        self._check(path)
        return opened

    def _check(self, path: str) -> None:
        """Check after each read that the file is still the version that was listed."""
        if ParquetFile.stat(path, self.filesystem) != self._by_path[path]:
            raise SourceChangedError(f"{path} was changed while it was read; join again.")

    @cached_property
    def _by_path(self) -> dict[str, ParquetFile]:
        return {file.path: file for file in self.files}


def _leaf(opened: pq.ParquetFile, name: str | None) -> int | None:
    """Return the index of a flat column among the physical columns."""
    paths = [opened.schema.column(n).path for n in range(len(opened.schema))]
    return paths.index(name) if name in paths else None


def _bounds(metadata: Any, column: int | None) -> tuple[int | None, int | None]:
    if column is None:
        return None, None
    statistics = metadata.column(column).statistics
    if statistics is None or not statistics.has_min_max:
        return None, None
    bounds = as_utc(pa.array([statistics.min, statistics.max])).cast(pa.int64()).to_pylist()
    return bounds[0], bounds[1] + _CUT


def _overlaps(group: RowGroup, earliest: int | None, latest: int | None, late: bool) -> bool:
    too_old = _is_before(group.latest, earliest)
    if late and too_old:
        too_old = _is_before(group.created, earliest)
    return not (too_old or _is_before(latest, group.earliest))


def _is_before(one: int | None, other: int | None) -> bool:
    """False if either is None."""
    return one is not None and other is not None and one < other


def _adjoin(group: RowGroup, following: RowGroup) -> bool:
    return group.path == following.path and group.first + group.rows == following.first


def _filled(batch: pa.RecordBatch | pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    """Cast the batch to the schema; columns that the file lacks are null."""
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

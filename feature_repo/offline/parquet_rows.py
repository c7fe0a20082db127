"""The Parquet files of a source as one long table whose rows are numbered.

Files are taken by name, so a row keeps its number as long as the files stay as they are; their
`identity` says whether they do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from feature_repo.errors import CatalogueError
from feature_repo.offline.instants_of import as_utc

BATCH_ROWS = 131_072
"""Decoded at a time by a worker: a megabyte a column."""

_READ_AHEAD_BYTES = 1 << 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class ParquetFile:
    """One file as it was when it was found."""

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class RowGroup:
    """Rows `first` … `first + rows` of the source: one row group of a file, or some in a row."""

    path: str
    numbers: tuple[int, ...]
    first: int
    rows: int
    earliest: int | None = None
    latest: int | None = None


@dataclass(frozen=True)
class ParquetRows:
    """The numbered rows of a source."""

    files: tuple[ParquetFile, ...]
    filesystem: pafs.FileSystem
    time_column: str | None = None

    @classmethod
    def at(
        cls, path: str, filesystem: pafs.FileSystem | None, time_column: str | None = None
    ) -> "ParquetRows":
        """Find the files: one file, a pattern, or every `*.parquet` below a folder.

        Raises:
            CatalogueError: there is none.
        """
        store = filesystem or pafs.LocalFileSystem()
        found = sorted(_found(path, store), key=lambda info: info.path)
        if not found:
            raise CatalogueError(
                f"{path} holds no Parquet file; write the rows of the feature view there first."
            )
        files = tuple(ParquetFile(i.path, i.size or 0, i.mtime_ns or 0) for i in found)
        return cls(files, store, time_column)

    @property
    def identity(self) -> tuple[ParquetFile, ...]:
        """Changes when a file is written, added or removed."""
        return self.files

    @cached_property
    def schema(self) -> pa.Schema:
        """Of every file; a column that only some have is null in the others."""
        schemas = [self._open(file.path).schema_arrow for file in self.files]
        return pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()

    @cached_property
    def groups(self) -> tuple[RowGroup, ...]:
        """Every row group, with the bounds of the time column where the file states them."""
        groups: list[RowGroup] = []
        first = 0
        for file in self.files:
            opened = self._open(file.path)
            column = _leaf(opened, self.time_column)
            for number in range(opened.metadata.num_row_groups):
                stated = opened.metadata.row_group(number)
                bounds = _bounds(stated, column)
                groups.append(RowGroup(file.path, (number,), first, stated.num_rows, *bounds))
                first += stated.num_rows
        return tuple(groups)

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.groups[-1].first + self.groups[-1].rows if self.groups else 0

    def within(self, earliest: int | None, latest: int | None) -> tuple[RowGroup, ...]:
        """The row groups that may hold a time between the bounds, both inclusive."""
        return tuple(group for group in self.groups if _overlaps(group, earliest, latest))

    @staticmethod
    def merged(groups: Sequence[RowGroup], rows: int) -> list[RowGroup]:
        """The same rows in fewer groups: neighbours are read together up to that many rows."""
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
        """Mean decoded bytes of a row's columns, by what the first file says."""
        opened = self._open(self.files[0].path)
        wanted, held, rows = set(columns.values()), 0, 0
        for number in range(opened.metadata.num_row_groups):
            stated = opened.metadata.row_group(number)
            rows += stated.num_rows
            for leaf in range(stated.num_columns):
                column = stated.column(leaf)
                if column.path_in_schema.split(".")[0] in wanted:
                    held += column.total_uncompressed_size
        return held / rows if rows else 0.0

    def read(
        self,
        groups: Sequence[RowGroup],
        columns: Sequence[str],
        reader: Callable[[RowGroup, Iterator[pa.RecordBatch]], Result],
        threads: int,
    ) -> list[Result]:
        """Give each group and its batches to the reader; results in the groups' order."""
        schema = pa.schema([self.field(name) for name in columns])

        def one(group: RowGroup) -> Result:
            return reader(group, self._batches(group, schema))

        if len(groups) < 2 or threads < 2:
            return [one(group) for group in groups]
        with ThreadPoolExecutor(threads) as workers:
            return list(workers.map(one, groups))

    def _batches(self, group: RowGroup, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """One at least: a group without rows gives an empty one."""
        opened = self._open(group.path)
        present = [name for name in schema.names if name in opened.schema_arrow.names]
        if not present or not group.rows:
            yield _filled(pa.table({"": pa.nulls(group.rows)}), schema)
            return
        for batch in opened.iter_batches(
            BATCH_ROWS, row_groups=list(group.numbers), columns=present, use_threads=False
        ):
            yield batch if batch.schema.equals(schema) else _filled(batch, schema)

    def field(self, name: str) -> pa.Field:
        """The column of that name.

        Raises:
            CatalogueError: there is none.
        """
        if name not in self.schema.names:
            raise CatalogueError(
                f"{self.files[0].path} has no column {name!r}; "
                f"it has {', '.join(self.schema.names)}."
            )
        return self.schema.field(name)

    def _open(self, path: str) -> pq.ParquetFile:
        return pq.ParquetFile(
            path, filesystem=self.filesystem, buffer_size=_READ_AHEAD_BYTES, pre_buffer=False
        )


def _found(path: str, store: pafs.FileSystem) -> list[pafs.FileInfo]:
    if any(sign in path for sign in "*?[") and isinstance(store, pafs.LocalFileSystem):
        anchor = Path(Path(path).anchor or ".")
        names = [str(p) for p in anchor.glob(str(Path(path).relative_to(anchor)))]
        return [info for info in store.get_file_info(names) if info.is_file] if names else []
    info = store.get_file_info(path)
    if info.is_file:
        return [info]
    inside = store.get_file_info(pafs.FileSelector(path, recursive=True, allow_not_found=True))
    return [i for i in inside if i.is_file and i.path.endswith(".parquet")]


def _leaf(opened: pq.ParquetFile, name: str | None) -> int | None:
    """The physical column of a flat column."""
    paths = [opened.schema.column(n).path for n in range(len(opened.schema))]
    return paths.index(name) if name in paths else None


def _bounds(stated: Any, column: int | None) -> tuple[int | None, int | None]:
    if column is None:
        return None, None
    statistics = stated.column(column).statistics
    if statistics is None or not statistics.has_min_max:
        return None, None
    bounds = as_utc(pa.array([statistics.min, statistics.max])).cast(pa.int64()).to_pylist()
    return bounds[0], bounds[1]


def _overlaps(group: RowGroup, earliest: int | None, latest: int | None) -> bool:
    too_old = earliest is not None and group.latest is not None and group.latest < earliest
    too_new = latest is not None and group.earliest is not None and group.earliest > latest
    return not (too_old or too_new)


def _adjoin(group: RowGroup, following: RowGroup) -> bool:
    return group.path == following.path and group.first + group.rows == following.first


def _filled(batch: pa.RecordBatch | pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with every column of the schema, null where the file has none, and its types."""
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

"""The join of one feature view: find the source row of each entity row.

Only key and time columns are read here.  For many entity rows the whole source is sorted once and
cached.  For few, or under a tight memory limit, the entity rows are sorted instead and the source
is read in one pass.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import CatalogueError
from feature_repo.offline.join.gather import gather
from feature_repo.offline.join.index_cache import INDEXES, KeyIndex
from feature_repo.offline.join.key_codes import (
    IntegerRange,
    KeyCodes,
    ValueList,
    as_keys,
    cast_keys,
    integer_range,
    key_type,
)
from feature_repo.offline.join.key_rows import ROWS_PER_READ, KeyRowReader
from feature_repo.offline.join.resources import Limits
from feature_repo.offline.join.shards import Shards
from feature_repo.offline.join.sorted_join import NO_ROW, RowNumbers
from feature_repo.offline.join.streaming_join import StreamingJoin
from feature_repo.offline.parquet import NULL_TIME, Instants, ParquetRows, RowGroup

Columns = Sequence[pa.ChunkedArray]

SORT_ALL_FROM = 8
"""Sort a whole source if it has at most this many rows per entity row."""

BYTES_PER_SORTED_ROW = 64
"""Codes, times, packed keys and their order, while a source is sorted."""

_BYTES_PER_VALUE = 8
SLICE_SHARE = 8
MIN_SLICE_ROWS = 10_000


@dataclass(frozen=True)
class Lookup:
    """A point-in-time lookup in one source.

    Attributes:
        source: the files.
        keys: join key columns of the files, in the order of the entity columns.
        time: column of the event time.
        created: column of the created time; it orders rows of one event time.
        strict: whether a row is valid only from its created time on.
        ttl: µs, 0 for no limit.
        columns: output column name → column name in the files.
    """

    source: ParquetRows
    keys: tuple[str, ...]
    time: str
    created: str | None
    strict: bool
    ttl: int
    columns: Mapping[str, str]

    def refreshed(self) -> "Lookup":
        """Return the lookup in the current files; self if they have not changed."""
        source = self.source.refreshed()
        return self if source is self.source else replace(self, source=source)

    def find(self, keys: Columns, times: Instants, limits: Limits) -> RowNumbers:
        """Find the source row of each of n entity rows; `NO_ROW` if there is none.

        Args:
            keys: n values of each join key.
            times: n instants, µs.
            limits: of memory and threads.

        Raises:
            CatalogueError: a join key can never equal the source's, because of their types.
        """
        keys = [self._cast(key, column) for key, column in zip(self.keys, keys, strict=True)]
        index = self._index(len(times), limits)
        if index is not None:
            codes = index.key_codes.codes(keys, len(times))
            return index.shards.find(codes, times, self.ttl)
        return self._find_streaming(keys, times, limits)

    def newest(self, earliest: int, latest: int, limits: Limits) -> RowNumbers:
        """Find the newest row of each key between two instants, inclusive, in the source's order.

        Null is an ordinary key here.

        A row with an older event counts too if it was created between the instants: the previous
        retrieval ended at `earliest` and cannot have seen it.
        """
        key_codes = self._key_codes(limits)
        reader = self._reader(key_codes, earliest, latest, nulls=True, late=True)
        rows = reader.read(limits.threads)
        return Shards.of(rows, strict=False, threads=limits.threads).newest()

    def between(self, earliest: int | None, latest: int | None, limits: Limits) -> RowNumbers:
        """Find every row between two instants, inclusive; rows with a null time never match."""
        return self._reader(KeyCodes(()), earliest, latest).read(limits.threads).rows

    def read_rows(self, rows: RowNumbers, limits: Limits) -> pa.Table:
        """Read the columns of the rows."""
        return gather(self.source, self.columns, rows, limits.threads)

    def read_slices(self, rows: RowNumbers, limits: Limits) -> Iterator[pa.Table]:
        """Read the columns of the rows in slices that fit into memory."""
        size = slice_rows([self], limits)
        for start in range(0, max(1, rows.size), size):
            yield self.read_rows(rows[start : start + size], limits)

    @property
    def row_bytes(self) -> float:
        """Mean bytes of a row's columns, by the metadata of the files."""
        decoded = self.source.row_bytes(self.columns)
        return max(_BYTES_PER_VALUE * len(self.columns), decoded)

    @property
    def identity(self) -> Hashable:
        """Cache key of the sorted index: the files and the settings that it depends on."""
        return (
            self.source.identity,
            self.keys,
            self.time,
            self.created,
            self.strict,
            bool(self.ttl),
        )

    def _cast(self, key: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        stored = self.source.field(key).type
        try:
            return cast_keys(column, key_type(stored))
        except CatalogueError as error:
            raise CatalogueError(
                f"Join key {key!r} is {column.type} in the entity rows, but {stored} in "
                f"{self.source.path}; give both one type."
            ) from error

    def _index(self, rows: int, limits: Limits) -> KeyIndex | None:
        """Return the sorted source from the cache, or sort it if that pays off; else None."""
        cached = INDEXES.get(self.identity)
        fits = self.source.rows * BYTES_PER_SORTED_ROW <= limits.memory // 4
        if cached is not None or not fits or rows * SORT_ALL_FROM < self.source.rows:
            return cached
        key_codes = self._key_codes(limits)
        key_rows = self._reader(key_codes, None, None).read(limits.threads)
        shards = Shards.of(
            key_rows, strict=self.strict, threads=limits.threads, expires=bool(self.ttl)
        )
        index = KeyIndex(key_codes, shards)
        if self.source.has_settled:
            INDEXES.put(self.identity, index)
        return index

    def _reader(
        self, key_codes: KeyCodes, earliest: int | None, latest: int | None, **options: bool
    ) -> KeyRowReader:
        return KeyRowReader(
            self.source, self.keys, self.time, self.created, key_codes, earliest, latest, **options
        )

    def _key_codes(self, limits: Limits) -> KeyCodes:
        return KeyCodes(tuple(self._key_values(key, limits) for key in self.keys))

    def _key_values(self, key: str, limits: Limits) -> IntegerRange | ValueList:
        """Return the values of a key column: a range for dense integers, else a list."""
        groups = ParquetRows.merge_groups(self.source.groups, ROWS_PER_READ)

        def bounds(_: RowGroup, batches: Iterator[pa.RecordBatch]) -> list[int]:
            column = pa.Table.from_batches(list(batches)).column(0)
            return [n for n in pc.min_max(column).as_py().values() if n is not None]

        def distinct(_: RowGroup, batches: Iterator[pa.RecordBatch]) -> pa.Array:
            return as_keys(pa.Table.from_batches(list(batches)).column(0)).unique()

        kind = key_type(self.source.field(key).type)
        if kind == pa.int64():
            pairs = self.source.read(groups, [key], bounds, limits.threads)
            numbers = [number for pair in pairs for number in pair]
            integers = (
                integer_range(min(numbers), max(numbers), self.source.rows) if numbers else None
            )
            if integers is not None:
                return integers
        lists = self.source.read(groups, [key], distinct, limits.threads)
        return KeyCodes.of([pa.chunked_array(lists, kind)]).columns[0]

    def _find_streaming(self, keys: Columns, times: Instants, limits: Limits) -> RowNumbers:
        valid_times = times[times != NULL_TIME]
        if not valid_times.size:
            return np.full(times.size, NO_ROW, dtype=np.int64)
        earliest = int(valid_times.min()) - self.ttl if self.ttl else None
        key_codes = KeyCodes.of(keys)
        codes = key_codes.codes(keys, times.size)
        strict = self.strict and self.created is not None
        join = StreamingJoin.of(codes, times, strict=strict)
        reader = self._reader(key_codes, earliest, int(valid_times.max()))
        reader.map(join.add, limits.threads)
        return join.find(codes, times, self.ttl)


def slice_rows(lookups: Sequence[Lookup], limits: Limits) -> int:
    """Return how many rows to gather at a time.

    A slice may take an eighth of the memory: it exists twice, next to the decoded row groups.
    """
    row_bytes = 1 + sum(lookup.row_bytes for lookup in lookups)
    return max(MIN_SLICE_ROWS, int(limits.memory / SLICE_SHARE / row_bytes))

"""One feature view's part of a join: which row of its source each entity row gets.

Only key and time columns are read here.  For many entity rows the whole source is sorted once and
kept; for few, or under a tight memory limit, the entity rows are sorted instead, and the source is
passed over once.
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
    Listed,
    Span,
    Vocabulary,
    as_type,
    common,
    comparable,
    spanned,
)
from feature_repo.offline.join.key_rows import ROWS_READ_AT_ONCE, NarrowRows
from feature_repo.offline.join.resources import Limits
from feature_repo.offline.join.shards import Shards
from feature_repo.offline.join.sorted_join import NO_ROW, Known, Numbers
from feature_repo.offline.join.streaming_join import Asked
from feature_repo.offline.parquet import NEVER, Instants, ParquetRows, RowGroup

Columns = Sequence[pa.ChunkedArray]

SORT_ALL_FROM = 8
"""Sort a whole source when it has at most that many rows for each entity row."""

BYTES_PER_SORTED_ROW = 64
"""Codes, times, packed keys and their order, while a source is sorted."""

_BYTES_OF_A_VALUE = 8
_SHARE_OF_A_SLICE = 8
_LEAST_ROWS_OF_A_SLICE = 10_000


@dataclass(frozen=True)
class Lookup:
    """What is asked of one source.

    `keys`: join key columns of the files, in the order of the entity columns.  `created`: column of
    the created time; with `strict` a row counts only from then on, else it decides between rows of
    one event time.  `ttl`: µs, 0 for ever.  `columns`: name in the answer → name in the files.
    """

    source: ParquetRows
    keys: tuple[str, ...]
    time: str
    created: str | None
    strict: bool
    ttl: int
    columns: Mapping[str, str]

    def afresh(self) -> "Lookup":
        """The same of the files as they are now; itself while they have not changed."""
        source = self.source.afresh()
        return self if source is self.source else replace(self, source=source)

    def find(self, keys: Columns, times: Instants, limits: Limits) -> Numbers:
        """The number of the source's row for each of n entity rows, `NO_ROW` where none is known.

        Args:
            keys: n values of each join key.
            times: n instants, µs.
            limits: of memory and threads.

        Raises:
            CatalogueError: no value of a join key can equal one of the source's.
        """
        keys = [self._alike(key, column) for key, column in zip(self.keys, keys, strict=True)]
        index = self._index(len(times), limits)
        if index is not None:
            codes = index.vocabulary.codes(keys, len(times))
            return index.shards.find(codes, times, self.ttl)
        return self._in_one_pass(keys, times, limits)

    def newest(self, earliest: int, latest: int, limits: Limits) -> Numbers:
        """The newest row of each key between two instants, both inclusive, in the source's order.

        Null is a key too.

        A row with an older event that was created between them counts too: the retrieval before,
        which ended at `earliest`, cannot have seen it.
        """
        narrow = self._narrow(self._vocabulary(limits), earliest, latest, nulls=True, late=True)
        known = narrow.read(limits.threads)
        return Shards.of(known, strict=False, threads=limits.threads).newest()

    def between(self, earliest: int | None, latest: int | None, limits: Limits) -> Numbers:
        """Every row between two instants, both inclusive; null times are in no interval."""
        return self._narrow(Vocabulary(()), earliest, latest).read(limits.threads).rows

    def rows_of(self, rows: Numbers, limits: Limits) -> pa.Table:
        """The columns of some rows."""
        return gather(self.source, self.columns, rows, limits.threads)

    def slices_of(self, rows: Numbers, limits: Limits) -> Iterator[pa.Table]:
        """The same, in slices that fit."""
        size = slice_rows([self], limits)
        for start in range(0, max(1, rows.size), size):
            yield self.rows_of(rows[start : start + size], limits)

    @property
    def row_bytes(self) -> float:
        """Of the columns, by what the files say."""
        stated = self.source.row_bytes(self.columns)
        return max(_BYTES_OF_A_VALUE * len(self.columns), stated)

    @property
    def identity(self) -> Hashable:
        """Of the sorted keys: the files, and what of them decides."""
        return (
            self.source.identity,
            self.keys,
            self.time,
            self.created,
            self.strict,
            bool(self.ttl),
        )

    def _alike(self, key: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        stored = self.source.field(key).type
        try:
            return as_type(column, common(stored))
        except CatalogueError as error:
            raise CatalogueError(
                f"Join key {key!r} is {column.type} in the entity rows, but {stored} in "
                f"{self.source.path}; give both one type."
            ) from error

    def _index(self, rows: int, limits: Limits) -> KeyIndex | None:
        """The sorted source, where it is kept or worth it."""
        kept = INDEXES.get(self.identity)
        small = self.source.rows * BYTES_PER_SORTED_ROW <= limits.memory // 4
        if kept is not None or not small or rows * SORT_ALL_FROM < self.source.rows:
            return kept
        vocabulary = self._vocabulary(limits)
        known = self._narrow(vocabulary, None, None).read(limits.threads)
        index = KeyIndex(vocabulary, self._sorted(known, limits))
        if self.source.has_settled:
            INDEXES.put(self.identity, index)
        return index

    def _narrow(
        self, vocabulary: Vocabulary, earliest: int | None, latest: int | None, **options: bool
    ) -> NarrowRows:
        return NarrowRows(
            self.source, self.keys, self.time, self.created, vocabulary, earliest, latest, **options
        )

    def _sorted(self, known: Known, limits: Limits) -> Shards:
        expires = bool(self.ttl)
        return Shards.of(known, strict=self.strict, threads=limits.threads, expires=expires)

    def _vocabulary(self, limits: Limits) -> Vocabulary:
        return Vocabulary(tuple(self._known(key, limits) for key in self.keys))

    def _known(self, key: str, limits: Limits) -> Span | Listed:
        """The values of one key column: whole numbers by their bounds, others by a list."""
        groups = ParquetRows.merged(self.source.groups, ROWS_READ_AT_ONCE)

        def bounds(_: RowGroup, batches: Iterator[pa.RecordBatch]) -> list[int]:
            column = pa.Table.from_batches(list(batches)).column(0)
            return [n for n in pc.min_max(column).as_py().values() if n is not None]

        def distinct(_: RowGroup, batches: Iterator[pa.RecordBatch]) -> pa.Array:
            return comparable(pa.Table.from_batches(list(batches)).column(0)).unique()

        kind = common(self.source.field(key).type)
        if kind == pa.int64():
            found = self.source.read(groups, [key], bounds, limits.threads)
            stated = [number for pair in found for number in pair]
            span = spanned(min(stated), max(stated), self.source.rows) if stated else None
            if span is not None:
                return span
        lists = self.source.read(groups, [key], distinct, limits.threads)
        return Vocabulary.of([pa.chunked_array(lists, kind)]).columns[0]

    def _in_one_pass(self, keys: Columns, times: Instants, limits: Limits) -> Numbers:
        known_times = times[times != NEVER]
        if not known_times.size:
            return np.full(times.size, NO_ROW, dtype=np.int64)
        earliest = int(known_times.min()) - self.ttl if self.ttl else None
        vocabulary = Vocabulary.of(keys)
        codes = vocabulary.codes(keys, times.size)
        asked = Asked.of(codes, times, strict=self.strict and self.created is not None)
        self._narrow(vocabulary, earliest, int(known_times.max())).each(asked.see, limits.threads)
        return asked.find(codes, times, self.ttl)


def slice_rows(lookups: Sequence[Lookup], limits: Limits) -> int:
    """How many rows may be gathered at once; they are held twice, beside what is decoded."""
    row_bytes = 1 + sum(lookup.row_bytes for lookup in lookups)
    return max(_LEAST_ROWS_OF_A_SLICE, int(limits.memory / _SHARE_OF_A_SLICE / row_bytes))

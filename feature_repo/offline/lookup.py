"""One feature view's part of a join: which row of its source each entity row gets.

Only key and time columns are read here.  For many entity rows the whole source is sorted once and
kept; for few, or under a tight memory limit, only rows of the wanted keys and times are sorted, in
as many shares of the keys as the limit asks for.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.offline.as_of import NO_ROW, Known, Numbers
from feature_repo.offline.gather import gather
from feature_repo.offline.index_cache import INDEXES, KeyIndex
from feature_repo.offline.instants_of import NEVER, Instants, micros
from feature_repo.offline.limits import Limits
from feature_repo.offline.parquet_rows import ParquetRows, RowGroup
from feature_repo.offline.shards import Shards
from feature_repo.offline.vocabulary import (
    Listed,
    Span,
    Vocabulary,
    as_type,
    common,
    comparable,
    spanned,
)

Columns = Sequence[pa.ChunkedArray]

SORT_ALL_FROM = 8
"""Sort a whole source when it has at most that many rows for each entity row."""

ROWS_READ_AT_ONCE = 1 << 20
"""Of the narrow columns, by each thread: looking up keys has a cost each time."""

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

    def find(self, keys: Columns, times: Instants, limits: Limits) -> Numbers:
        """The number of the source's row for each of n entity rows, `NO_ROW` where none is known.

        Args:
            keys: n values of each join key.
            times: n instants, µs.
            limits: of memory and threads.
        """
        kinds = [common(self.source.field(key).type) for key in self.keys]
        keys = [as_type(column, kind) for column, kind in zip(keys, kinds, strict=True)]
        index = self._index(len(times), limits)
        if index is not None:
            codes = index.vocabulary.codes(keys, len(times))
            return index.shards.find(codes, times, self.ttl)
        return self._among_candidates(keys, times, limits)

    def newest(self, earliest: int, latest: int, limits: Limits) -> Numbers:
        """The newest row of each key between two instants, both inclusive; null is a key too."""
        vocabulary = self._vocabulary(limits)
        known = _narrow(self, vocabulary, (earliest, latest), limits, nulls=True)
        return Shards.of(known, strict=False, threads=limits.threads).newest()

    def between(self, earliest: int | None, latest: int | None, limits: Limits) -> Numbers:
        """Every row between two instants, both inclusive; null times are in no interval."""
        return _narrow(self, Vocabulary(()), (earliest, latest), limits).rows

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

    def _index(self, rows: int, limits: Limits) -> KeyIndex | None:
        """The sorted source, where it is kept or worth it."""
        kept = INDEXES.get(self.identity)
        small = self.source.rows * BYTES_PER_SORTED_ROW <= limits.memory // 4
        if kept is not None or not small or rows * SORT_ALL_FROM < self.source.rows:
            return kept
        vocabulary = self._vocabulary(limits)
        known = _narrow(self, vocabulary, (None, None), limits)
        index = KeyIndex(vocabulary, self._sorted(known, limits))
        INDEXES.put(self.identity, index)
        return index

    def _sorted(self, known: Known, limits: Limits) -> Shards:
        expires = bool(self.ttl)
        return Shards.of(known, strict=self.strict, threads=limits.threads, expires=expires)

    def _vocabulary(self, limits: Limits) -> Vocabulary:
        return Vocabulary(tuple(self._known(key, limits) for key in self.keys))

    def _known(self, key: str, limits: Limits) -> Span | Listed:
        """The values of one key column: whole numbers by their bounds, others by a list."""
        groups = self.source.merged(self.source.groups, ROWS_READ_AT_ONCE)

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

    def _among_candidates(self, keys: Columns, times: Instants, limits: Limits) -> Numbers:
        found = np.full(times.size, NO_ROW, dtype=np.int64)
        asked = times[times != NEVER]
        if not asked.size:
            return found
        bounds = (int(asked.min()) - self.ttl if self.ttl else None, int(asked.max()))
        vocabulary = Vocabulary.of(keys)
        held = sum(group.rows for group in self.source.within(*bounds))
        parts = -(-held * BYTES_PER_SORTED_ROW // (limits.memory // 4)) if self.keys else 1
        for number in range(max(1, parts)):
            share = vocabulary.part(number, parts) if self.keys else vocabulary
            known = _narrow(self, share, bounds, limits)
            shards = self._sorted(known, limits)
            rows = shards.find(share.codes(keys, times.size), times, self.ttl)
            found = np.maximum(found, rows)
        return found


def _narrow(
    lookup: Lookup,
    vocabulary: Vocabulary,
    bounds: tuple[int | None, int | None],
    limits: Limits,
    *,
    nulls: bool = False,
) -> Known:
    """Codes, times and numbers of the rows of known keys between the bounds."""
    earliest, latest = bounds
    low = NEVER + 1 if earliest is None else earliest
    high = int(np.iinfo(np.int64).max) if latest is None else latest
    columns = [*lookup.keys, lookup.time, *([lookup.created] if lookup.created else [])]

    code_type, row_type = _narrowest(vocabulary.combinations), _narrowest(lookup.source.rows)

    def chosen(group: RowGroup, batches: Iterator[pa.RecordBatch]) -> Known:
        table = pa.Table.from_batches(list(batches))
        keys = [table[name] for name in lookup.keys]
        codes = vocabulary.codes(keys, table.num_rows, nulls=nulls)
        events = micros(table[lookup.time])
        created = micros(table[lookup.created]) if lookup.created else None
        rows = np.arange(group.first, group.first + table.num_rows, dtype=row_type)
        known = Known(codes.astype(code_type, copy=False), rows, events, created)
        kept = (codes >= 0) & (events >= low) & (events <= high)
        return known if kept.all() else known.some(np.flatnonzero(kept))

    groups = lookup.source.merged(lookup.source.within(earliest, latest), ROWS_READ_AT_ONCE)
    return _joined(lookup.source.read(groups, columns, chosen, limits.threads))


def _narrowest(count: int) -> type[np.signedinteger]:
    return np.int32 if count < 1 << 31 else np.int64


def _joined(parts: list[Known]) -> Known:
    """One after the other; each kind of array is let go of when it is joined."""
    if len(parts) == 1:
        return parts[0]
    none = np.empty(0, dtype=np.int64)
    if not parts:
        return Known(none, none, none, none)
    created = [part.created for part in parts if part.created is not None]
    codes, rows = [part.codes for part in parts], [part.rows for part in parts]
    events = [part.events for part in parts]
    parts.clear()
    return Known(*(_drained(arrays) for arrays in (codes, rows, events, created) if arrays))


def _drained(arrays: list[np.ndarray]) -> np.ndarray:
    whole = np.concatenate(arrays)
    arrays.clear()
    return whole


def slice_rows(lookups: Sequence[Lookup], limits: Limits) -> int:
    """How many rows may be gathered at once; they are held twice, beside what is decoded."""
    row_bytes = 1 + sum(lookup.row_bytes for lookup in lookups)
    return max(_LEAST_ROWS_OF_A_SLICE, int(limits.memory / _SHARE_OF_A_SLICE / row_bytes))

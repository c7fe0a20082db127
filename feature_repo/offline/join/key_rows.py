"""Read the key and time columns of the rows of a source that a join may need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.offline.join.key_codes import KeyCodes
from feature_repo.offline.join.sorted_join import Integers, KeyRows
from feature_repo.offline.parquet import NULL_TIME, Instants, ParquetRows, RowGroup, micros

Result = TypeVar("Result")

ROWS_PER_READ = 1 << 20
"""Rows that a thread reads at a time; also looked up together if the key values are a long list."""


@dataclass(frozen=True)
class KeyRowReader:
    """Reader of the rows with indexed keys between two instants.

    Attributes:
        source: the files.
        keys: key columns.
        time: column of the event time.
        created: column of the created time.
        key_codes: codes of the keys; rows with other keys are skipped.
        earliest, latest: µs, both inclusive; None for no bound.
        nulls: whether null is an ordinary key value.
        late: whether to include older rows that were created between the instants.
    """

    source: ParquetRows
    keys: tuple[str, ...]
    time: str
    created: str | None
    key_codes: KeyCodes
    earliest: int | None = None
    latest: int | None = None
    nulls: bool = False
    late: bool = False

    def read(self, threads: int) -> KeyRows:
        """Read codes, times and row numbers, in the source's order."""
        return concatenate(self.map(lambda rows: rows, threads))

    def map(self, use: Callable[[KeyRows], Result], threads: int) -> list[Result]:
        """Call a function with each batch of rows, from several threads; return its results."""
        columns = [*self.keys, self.time, *([self.created] if self.created else [])]
        within = self.source.within(self.earliest, self.latest, late=self.late)
        groups = ParquetRows.merge_groups(within, ROWS_PER_READ)

        def of_group(group: RowGroup, batches: Iterator[pa.RecordBatch]) -> list[Result]:
            results, first = [], group.first
            for batch in batches if self.key_codes.is_quick else _merge(batches):
                results.append(use(self._of_batch(batch, first)))
                first += batch.num_rows
            return results

        return list(chain.from_iterable(self.source.read(groups, columns, of_group, threads)))

    def _of_batch(self, batch: pa.RecordBatch, first: int) -> KeyRows:
        columns = [batch[name] for name in self.keys]
        codes = self.key_codes.codes(columns, batch.num_rows, nulls=self.nulls)
        rows = KeyRows(
            codes.astype(_smallest_type(self.key_codes.combinations), copy=False),
            np.arange(first, first + batch.num_rows, dtype=_smallest_type(self.source.rows)),
            micros(batch[self.time], up=True),
            micros(batch[self.created], up=True) if self.created else None,
        )
        selected = self._selected(rows)
        return rows if selected.all() else rows.take(np.flatnonzero(selected))

    def _selected(self, rows: KeyRows) -> npt.NDArray[np.bool_]:
        selected: npt.NDArray[np.bool_] = (rows.codes >= 0) & (rows.events != NULL_TIME)
        if self.earliest is not None:
            recent = rows.events >= self.earliest
            if self.late and rows.created is not None:
                recent |= self._created_within(rows.created)
            selected &= recent
        if self.latest is not None:
            selected &= rows.events <= self.latest
        return selected

    def _created_within(self, created: Instants) -> npt.NDArray[np.bool_]:
        within: npt.NDArray[np.bool_] = created >= (self.earliest or 0)
        return within if self.latest is None else within & (created <= self.latest)


def _merge(batches: Iterator[pa.RecordBatch]) -> list[pa.RecordBatch]:
    merged: list[pa.RecordBatch] = (
        pa.Table.from_batches(list(batches)).combine_chunks().to_batches()
    )
    return merged


def _smallest_type(count: int) -> type[np.signedinteger]:
    return np.int32 if count < 1 << 31 else np.int64


def concatenate(parts: list[KeyRows]) -> KeyRows:
    """Concatenate the rows of all parts; this empties the list."""
    if len(parts) == 1:
        return parts[0]
    none = np.empty(0, dtype=np.int64)
    if not parts:
        return KeyRows(none, none, none, none)
    created = [part.created for part in parts if part.created is not None]
    codes, rows = [part.codes for part in parts], [part.rows for part in parts]
    events = [part.events for part in parts]
    # Drop the parts, then each list of arrays after its concatenation: at most one kind of array
    # is in memory twice.
    parts.clear()
    return KeyRows(*(_drain(arrays) for arrays in (codes, rows, events, created) if arrays))


def _drain(arrays: list[Integers]) -> Integers:
    whole = np.concatenate(arrays)
    arrays.clear()
    return whole

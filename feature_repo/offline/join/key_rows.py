"""The rows of a source that an answer may come from, by their key and time columns alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.offline.join.key_codes import Vocabulary
from feature_repo.offline.join.sorted_join import Integers, Known
from feature_repo.offline.parquet import NEVER, Instants, ParquetRows, RowGroup, micros

Result = TypeVar("Result")

ROWS_READ_AT_ONCE = 1 << 20
"""By each thread, and looked up together where the vocabulary is a long list."""


@dataclass(frozen=True)
class NarrowRows:
    """Rows of known keys between two instants.

    `created`: column of the created time.  `earliest`, `latest`: µs, both inclusive.  `nulls`:
    whether null is a key like others.  `late`: older rows too that were created in between.
    """

    source: ParquetRows
    keys: tuple[str, ...]
    time: str
    created: str | None
    vocabulary: Vocabulary
    earliest: int | None = None
    latest: int | None = None
    nulls: bool = False
    late: bool = False

    def read(self, threads: int) -> Known:
        """Their codes, times and numbers, in the source's order."""
        return joined(self.each(lambda known: known, threads))

    def each(self, use: Callable[[Known], Result], threads: int) -> list[Result]:
        """What a function makes of them, some at a time, by several threads."""
        columns = [*self.keys, self.time, *([self.created] if self.created else [])]
        within = self.source.within(self.earliest, self.latest, late=self.late)
        groups = ParquetRows.merged(within, ROWS_READ_AT_ONCE)

        def of_group(group: RowGroup, batches: Iterator[pa.RecordBatch]) -> list[Result]:
            used, first = [], group.first
            for batch in batches if self.vocabulary.is_quick else _as_one(batches):
                used.append(use(self._of_batch(batch, first)))
                first += batch.num_rows
            return used

        return list(chain.from_iterable(self.source.read(groups, columns, of_group, threads)))

    def _of_batch(self, batch: pa.RecordBatch, first: int) -> Known:
        columns = [batch[name] for name in self.keys]
        codes = self.vocabulary.codes(columns, batch.num_rows, nulls=self.nulls)
        known = Known(
            codes.astype(_narrowest(self.vocabulary.combinations), copy=False),
            np.arange(first, first + batch.num_rows, dtype=_narrowest(self.source.rows)),
            micros(batch[self.time], up=True),
            micros(batch[self.created], up=True) if self.created else None,
        )
        kept = self._kept(known)
        return known if kept.all() else known.some(np.flatnonzero(kept))

    def _kept(self, known: Known) -> npt.NDArray[np.bool_]:
        kept: npt.NDArray[np.bool_] = (known.codes >= 0) & (known.events != NEVER)
        if self.earliest is not None:
            since = known.events >= self.earliest
            if self.late and known.created is not None:
                since |= self._created_within(known.created)
            kept &= since
        if self.latest is not None:
            kept &= known.events <= self.latest
        return kept

    def _created_within(self, created: Instants) -> npt.NDArray[np.bool_]:
        within: npt.NDArray[np.bool_] = created >= (self.earliest or 0)
        return within if self.latest is None else within & (created <= self.latest)


def _as_one(batches: Iterator[pa.RecordBatch]) -> list[pa.RecordBatch]:
    whole: list[pa.RecordBatch] = pa.Table.from_batches(list(batches)).combine_chunks().to_batches()
    return whole


def _narrowest(count: int) -> type[np.signedinteger]:
    return np.int32 if count < 1 << 31 else np.int64


def joined(parts: list[Known]) -> Known:
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


def _drained(arrays: list[Integers]) -> Integers:
    whole = np.concatenate(arrays)
    arrays.clear()
    return whole

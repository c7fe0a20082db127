"""The join of entity rows with several feature views, whole or in slices that fit into memory."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from feature_repo.offline.join.lookup import Lookup, slice_rows
from feature_repo.offline.join.resources import Limits
from feature_repo.offline.join.sorted_join import RowNumbers
from feature_repo.offline.parquet import Instants, micros


@dataclass(frozen=True)
class FeatureJoin:
    """Entity rows and, for each feature view, its lookup and the entity columns of its keys."""

    entities: pa.Table
    time_column: str
    lookups: tuple[tuple[Lookup, tuple[str, ...]], ...]
    limits: Limits

    def refreshed(self) -> "FeatureJoin":
        """Return the join over the current files; self if they have not changed."""
        lookups = tuple((lookup.refreshed(), names) for lookup, names in self.lookups)
        same = all(new[0] is old[0] for new, old in zip(lookups, self.lookups, strict=True))
        return self if same else replace(self, lookups=lookups)

    def table(self) -> pa.Table:
        """Join all rows, in the entities' order; memory-mapped from disk if they do not fit."""
        if self.slice_rows >= self.entities.num_rows:
            return self._slice(0, self.entities.num_rows)
        return spill(self.slices())

    def slices(self) -> Iterator[pa.Table]:
        """Join the rows in slices that fit into memory."""
        for start in range(0, max(1, self.entities.num_rows), self.slice_rows):
            yield self._slice(start, min(self.slice_rows, self.entities.num_rows - start))

    @property
    def slice_rows(self) -> int:
        """The number of rows that fit into memory."""
        return slice_rows([lookup for lookup, _ in self.lookups], self.limits)

    @cached_property
    def _times(self) -> Instants:
        return micros(self.entities[self.time_column])

    @cached_property
    def _rows(self) -> tuple[RowNumbers, ...]:
        return tuple(
            lookup.find([self.entities[name] for name in names], self._times, self.limits)
            for lookup, names in self.lookups
        )

    def _slice(self, start: int, length: int) -> pa.Table:
        sliced = self.entities.slice(start, length)
        columns = {name: sliced[name] for name in sliced.column_names}
        for (lookup, _), rows in zip(self.lookups, self._rows, strict=True):
            features = lookup.read_rows(rows[start : start + length], self.limits)
            columns |= {name: features[name] for name in features.column_names}
        return pa.table(columns)


def spill(tables: Iterator[pa.Table]) -> pa.Table:
    """Write one or more tables to disk and return them as one memory-mapped table.

    The system pages it in, and out again when memory is short.  The file is already unlinked, so
    it disappears with the table.
    """
    first = next(tables)
    schema = first.schema
    handle, name = tempfile.mkstemp(suffix=".arrow", prefix="aisle-")
    os.close(handle)
    path = Path(name)
    try:
        with pa.OSFile(name, "wb") as file, pa.ipc.new_file(file, schema) as writer:
            writer.write_table(first)
            # Free the first slice before the next one is joined.
            del first
            for table in tables:
                writer.write_table(table.cast(schema))
        return pa.ipc.open_file(pa.memory_map(name)).read_all()
    finally:
        path.unlink()

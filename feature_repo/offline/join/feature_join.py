"""The join of entity rows with several feature views, whole or in slices that fit in memory."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from feature_repo.offline.join.lookup import Lookup, slice_rows
from feature_repo.offline.join.resources import Limits
from feature_repo.offline.join.sorted_join import Numbers
from feature_repo.offline.parquet import Instants, micros


@dataclass(frozen=True)
class FeatureJoin:
    """Entity rows, and for each feature view what is looked up with which entity columns."""

    entities: pa.Table
    time_column: str
    lookups: tuple[tuple[Lookup, tuple[str, ...]], ...]
    limits: Limits

    def afresh(self) -> "FeatureJoin":
        """The same join of the files as they are now; itself while they have not changed."""
        lookups = tuple((lookup.afresh(), names) for lookup, names in self.lookups)
        same = all(now[0] is then[0] for now, then in zip(lookups, self.lookups, strict=True))
        return self if same else replace(self, lookups=lookups)

    def table(self) -> pa.Table:
        """All rows, in the entities' order; memory-mapped from disk when they do not fit."""
        if self.slice_rows >= self.entities.num_rows:
            return self._slice(0, self.entities.num_rows)
        return spilled(self.slices())

    def slices(self) -> Iterator[pa.Table]:
        """The same rows in slices that fit; each reads the features it needs."""
        for start in range(0, max(1, self.entities.num_rows), self.slice_rows):
            yield self._slice(start, min(self.slice_rows, self.entities.num_rows - start))

    @property
    def slice_rows(self) -> int:
        """How many rows fit."""
        return slice_rows([lookup for lookup, _ in self.lookups], self.limits)

    @cached_property
    def _times(self) -> Instants:
        return micros(self.entities[self.time_column])

    @cached_property
    def _rows(self) -> tuple[Numbers, ...]:
        return tuple(
            lookup.find([self.entities[name] for name in names], self._times, self.limits)
            for lookup, names in self.lookups
        )

    def _slice(self, start: int, length: int) -> pa.Table:
        sliced = self.entities.slice(start, length)
        columns = {name: sliced[name] for name in sliced.column_names}
        for (lookup, _), rows in zip(self.lookups, self._rows, strict=True):
            part = rows[start : start + length]
            found = lookup.rows_of(part, self.limits)
            columns |= {name: found[name] for name in found.column_names}
        return pa.table(columns)


def spilled(tables: Iterator[pa.Table]) -> pa.Table:
    """One table of all, of which there is one at least, on disk.

    The system pages it in, and out again when memory is short; the file goes when the table does.
    """
    first = next(tables)
    schema = first.schema
    handle, name = tempfile.mkstemp(suffix=".arrow", prefix="aisle-")
    os.close(handle)
    path = Path(name)
    try:
        with pa.OSFile(name, "wb") as file, pa.ipc.new_file(file, schema) as writer:
            writer.write_table(first)
            del first
            for table in tables:
                writer.write_table(table.cast(schema))
        return pa.ipc.open_file(pa.memory_map(name)).read_all()
    finally:
        path.unlink()

"""Write rows of recent items: runs of a shopper's entries, newest first, one array per column.

An entry occurs in dozens of rows before it leaves the lists.  SQL would copy and hash its texts for
each row; here a text is a dictionary code, in the entries and in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import replacing
from feature_repo.transformations.row_files import Database

VERBS = ("clicked", "shown")
Indexes = npt.NDArray[np.int64]

ROWS_PER_GROUP = 8192
"""A row may hold tens of kilobytes."""


@dataclass(frozen=True)
class RecentRows:
    """The rows of some users or sessions.

    Attributes:
        key: join key of their entity.
        instants: rows of `features/shopper_recent.sql`: `<verb>_first`, `<verb>_end` of each verb.
        entries: verb → its entries by position, a column per array of a row.
    """

    key: str
    instants: pa.Table
    entries: Mapping[str, pa.Table]

    @classmethod
    def of(cls, db: Database, key: str, entries: str, instants: str) -> "RecentRows":
        """Read one slice of an entity, given SQL of the entries and of the rows over these."""
        db.execute(f"create or replace temp table shopper_entries as\n{entries}")
        rows, by_verb = db.sql(instants).to_arrow_table(), {}
        for verb in VERBS:
            query = f"select entry.* from shopper_entries where verb = '{verb}' order by position"
            by_verb[verb] = db.sql(query).to_arrow_table()
        db.execute("drop table shopper_entries")
        return cls(key, rows, by_verb)

    def write(self, path: Path) -> int:
        """Write all rows to one file, in their order, and return their number."""
        with replacing(path) as fresh, _writer(fresh, self.key, self._rows(0, 0).schema) as writer:
            for start in range(0, len(self.instants), ROWS_PER_GROUP):
                writer.write_table(self._rows(start, ROWS_PER_GROUP))
        return len(self.instants)

    def newest(self) -> "RecentRows":
        """Return the last row of each entity."""
        keys = self.instants[self.key].to_numpy()
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        return RecentRows(self.key, self.instants.filter(pa.array(last)), self.entries)

    def _rows(self, start: int, number: int) -> pa.Table:
        instants, arrays = self.instants.slice(start, number), {}
        for verb, entries in self.entries.items():
            first, end = (instants[f"{verb}_{n}"].to_numpy() for n in ("first", "end"))
            for name, array in _runs(entries, first, end).items():
                arrays[f"{verb}_{name}"] = array
        key = {name: instants[name] for name in (self.key, "event_timestamp", "created_timestamp")}
        return pa.table(key | arrays | {"part": instants["part"]})


def _writer(path: Path, key: str, schema: pa.Schema) -> pq.ParquetWriter:
    """Instants hardly repeat, so only texts get a dictionary; lists need no statistics."""
    lists = {field.name: field.type for field in schema if pa.types.is_list(field.type)}
    texts = [f"{name}.list.element" for name, type_ in lists.items() if _is_text(type_.value_type)]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        store_schema=False,
        use_dictionary=[key, *texts],
        write_statistics=[name for name in schema.names if name not in lists],
    )


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(type_) or pa.types.is_string(type_))


def _runs(entries: pa.Table, first: Indexes, end: Indexes) -> dict[str, pa.ListArray]:
    """The runs of a table's rows, column by column; consecutive runs are close in the table."""
    least = int(np.min(first, where=end > first, initial=len(entries)))
    near = entries.slice(least, max(int(np.max(end, initial=0)) - least, 0))
    offsets = np.zeros(len(first) + 1, np.int32)
    np.cumsum(end - first, out=offsets[1:])
    indexes = np.arange(offsets[-1], dtype=np.int32)
    indexes += np.repeat((first - least).astype(np.int32) - offsets[:-1], end - first)
    return {
        name: pa.ListArray.from_arrays(pa.array(offsets), _encoded(column).take(pa.array(indexes)))
        for name, column in zip(near.column_names, near.columns, strict=True)
    }


def _encoded(column: pa.ChunkedArray) -> pa.Array:
    encoded = column.dictionary_encode() if pa.types.is_string(column.type) else column
    return encoded.combine_chunks()

"""Join other tables of a shop, such as items, orders and users, to a table of transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import MappingError


@dataclass(frozen=True)
class Join:
    """One table that is joined: `[[join]]` of a mapping.

    Attributes:
        name: prefix of its columns, such as `items` of `items.title`.
        path: of the table.
        key: its column that identifies a row; of equal keys the first row counts.
        on: the column of the transactions, or of an earlier join, with that key.
    """

    name: str
    path: Path
    key: str
    on: str

    def columns(self, names: Sequence[str]) -> list[str]:
        """Return the columns of its table among the columns of a mapping."""
        prefix = f"{self.name}."
        own = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return list(dict.fromkeys([self.key, *own]))

    def added(self, rows: pa.Table, other: pa.Table) -> pa.Table:
        """Return R rows with the columns of the other table, null where it lacks their key.

        Raises:
            MappingError: the rows have no column `on`.
        """
        if self.on not in rows.column_names:
            raise MappingError(
                f"[[join]] of {self.name}: expected `on` as a column of the transactions or of an "
                f"earlier join, found {self.on!r}."
            )
        keys = other.column(self.key).cast(pa.string()).combine_chunks()
        at = pc.index_in(rows.column(self.on).cast(pa.string()).combine_chunks(), keys)
        for name in other.column_names:
            rows = rows.append_column(f"{self.name}.{name}", other.column(name).take(at))
        return rows

"""The Parquet files of a folder of rows: a run adds one file of new rows.

The last files are merged as their number grows, so that each is larger than all later ones
together: N runs leave about log2 N files and rewrite a row about as often.  The rows of a full
rebuild are not rewritten.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from feature_repo.home import replacing

Database = duckdb.DuckDBPyConnection

_ROWS_PER_GROUP = {"user_recent": 2048, "session_recent": 2048}
"""A row of recent interactions may hold tens of kilobytes; other views keep DuckDB's default."""

_MERGED = "merged"


@dataclass(frozen=True)
class RowFiles:
    """The files of one generation of features.

    Attributes:
        features: its folder.
        run: number of the run that adds to it; None for a full rebuild.
    """

    features: Path
    run: int | None

    def add(self, db: Database, folder: Path, sql: str, slice_: int | None = None) -> list[Path]:
        """Write a query's rows to a new file; a run that adds no row leaves no file."""
        return self.add_by(folder, lambda path: write(db, path, sql), slice_)

    def add_by(
        self, folder: Path, writer: Callable[[Path], int], slice_: int | None = None
    ) -> list[Path]:
        """Add a file that a function writes; it returns the number of rows."""
        path = self._path(folder, None if slice_ is None else f"{slice_:04d}")
        if writer(path) or self.run is None:
            return [path]
        path.unlink()
        return []

    def merge(self, db: Database, folder: Path, key: str | None = None) -> None:
        """Merge the last of the files that runs added.

        Args:
            db: any database.
            folder: of the files.
            key: join key, if only an entity's newest rows count; None retains all rows.
        """
        files = sorted(folder.glob("more-*.parquet"))
        last = files[_first_to_merge([rows_of(path) for path in files]) :]
        if len(last) > 1:
            merged = newest(last, key) if key else f"from {read(last)}"
            write(db, self._path(folder, _MERGED), merged)
            for path in last:
                path.unlink()

    def _path(self, folder: Path, slice_: str | None) -> Path:
        name = "rows" if self.run is None else f"more-{self.run:08d}"
        return folder / f"{name if slice_ is None else f'{name}-{slice_}'}.parquet"


def write(db: Database, path: Path, sql: str) -> int:
    """Write a query's rows to one file, in its order, and return their number."""
    options = "format parquet, compression zstd"
    if path.parent.name in _ROWS_PER_GROUP:
        options += f", row_group_size {_ROWS_PER_GROUP[path.parent.name]}"
    with replacing(path) as fresh:
        counted = db.execute(f"copy (\n{sql}\n) to {_quoted(fresh)} ({options})").fetchone()
    return int(counted[0]) if counted else 0


def newest(files: Sequence[Path], key: str, condition: str = "true") -> str:
    """Return SQL of the newest rows of each entity; the rows of one run share `event_timestamp`.

    Args:
        files: to read.
        key: join key of the entity.
        condition: selects entities: one of their rows meets it.
    """
    return f"""
        from {read(files)}
        semi join (
            select {key}, max(event_timestamp) as event_timestamp
            from {read(files)}
            where {condition}
            group by {key}
        ) using ({key}, event_timestamp)
    """


def read(files: Sequence[Path]) -> str:
    """Return SQL of all rows of some files."""
    return f"read_parquet([{', '.join(_quoted(path) for path in files)}])"


def rows_of(path: Path) -> int:
    """Return the number of rows of a file."""
    return int(pq.read_metadata(path).num_rows)


def _first_to_merge(rows: Sequence[int]) -> int:
    """The first file to merge; the last one if it is smaller than the one before.

    >>> _first_to_merge([100, 40, 7, 5])
    3
    >>> _first_to_merge([100, 40, 20, 25])
    1
    """
    first = max(len(rows) - 1, 0)
    while first > 0 and rows[first - 1] <= sum(rows[first:]):
        first -= 1
    return first


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"

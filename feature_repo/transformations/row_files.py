"""The Parquet files of folders of rows: what is new comes as one more file.

Files that runs added are merged as their number grows, always the last ones, so that each is
larger than all that follow it: N runs leave about log2 N files, and a row is written again that
often.  What a full rebuild wrote is not written again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from feature_repo.home import replacing

Database = duckdb.DuckDBPyConnection

_ROWS_PER_GROUP = {"user_recent": 2048}
"""A row of recent interactions may hold tens of kilobytes; other views keep DuckDB's default."""

_MERGED = "merged"


@dataclass(frozen=True)
class RowFiles:
    """The files of one generation of features.

    Attributes:
        features: its folder.
        run: number of the run that adds to it; None where it writes everything anew.
    """

    features: Path
    run: int | None

    def add(self, db: Database, folder: Path, sql: str, slice_: int | None = None) -> list[Path]:
        """Write a query's rows to a file more; a run that adds none leaves no file."""
        return self.add_by(folder, lambda path: write(db, path, sql), slice_)

    def add_by(
        self, folder: Path, writing: Callable[[Path], int], slice_: int | None = None
    ) -> list[Path]:
        """The same of rows that something else than a query writes; it returns their number."""
        path = self._path(folder, None if slice_ is None else f"{slice_:04d}")
        if writing(path) or self.run is None:
            return [path]
        path.unlink()
        return []

    def merge(self, db: Database, folder: Path, key: str | None = None) -> None:
        """Merge the last of the files that runs added.

        Args:
            db: any database.
            folder: where they lie.
            key: of an entity of which only the newest rows are of use; without it all are kept.
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
    """Write a query's rows to one file, in its order; returns their number."""
    options = "format parquet, compression zstd"
    if path.parent.name in _ROWS_PER_GROUP:
        options += f", row_group_size {_ROWS_PER_GROUP[path.parent.name]}"
    with replacing(path) as fresh:
        counted = db.execute(f"copy (\n{sql}\n) to {_quoted(fresh)} ({options})").fetchone()
    return int(counted[0]) if counted else 0


def newest(files: Sequence[Path], key: str, among: str = "true") -> str:
    """SQL of the newest rows of each entity; those of one writing have one `event_timestamp`.

    Args:
        files: some.
        key: join key of the entity.
        among: a condition that one of an entity's newest rows must meet, if any row does.
    """
    return f"""
        from {read(files)}
        semi join (
            select {key}, max(event_timestamp) as event_timestamp
            from {read(files)}
            where {among}
            group by {key}
        ) using ({key}, event_timestamp)
    """


def read(files: Sequence[Path]) -> str:
    """SQL of all rows of some files."""
    return f"read_parquet([{', '.join(_quoted(path) for path in files)}])"


def rows_of(path: Path) -> int:
    """How many rows a file holds."""
    return int(pq.read_metadata(path).num_rows)


def _first_to_merge(rows: Sequence[int]) -> int:
    """From which file on to merge; the last alone where it is smaller than the one before.

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

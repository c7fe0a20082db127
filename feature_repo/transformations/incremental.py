"""The state that a run stores for the next run, so that the next run reads only new events.

A counted view continues from its tiles; other views continue from an entity's newest row or from
sums by day.  Each run adds a file of the entities that changed; an entity's newest rows count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feature_repo.shop import Shop
from feature_repo.transformations.row_files import Database, RowFiles, newest
from feature_repo.transformations.templates import (
    daily_sums_sql,
    incremental_tiles_sql,
    newest_rows_table_sql,
)
from feature_repo.views import CounterView, DailySums, NewestRow, ViewSpec, tiles_of

EXAMINED = "item_examined"
"""Sums by day that `item_percentiles` reads in addition to its newest rows."""

_CHANGED_IN = {
    "item_id": ("stg_items", "stg_impressions", "stg_interactions"),
    "user_id": ("user_firsts", "stg_users", "stg_impressions", "stg_interactions"),
    "session_id": ("session_firsts", "stg_links", "stg_impressions", "stg_interactions"),
    "query_key": ("stg_rankings", "stg_impressions", "stg_interactions"),
}
_OPEN = "effective_at > getvariable('since') + 1"
"""Sums of a day that was not over at the last run."""


@dataclass(frozen=True)
class _Table:
    """One table of the state: `incremental_<name>`."""

    name: str
    key: str
    load: Literal["changed", "day_ended"] = "changed"
    is_tiles: bool = False
    is_by_day: bool = False


class IncrementalState:
    """The state of one generation: a run reads the tables of the last run and writes new ones."""

    def __init__(self, files: RowFiles, specs: Sequence[ViewSpec]) -> None:
        self._files, self._specs = files, specs
        self._tables = {table.name: table for table in _tables(specs)}

    def create(self, db: Database, sql: Path, shop: Shop) -> None:
        """Create every table without rows; `sql` is the folder of the SQL files."""
        db.execute(daily_sums_sql((sql / "incremental" / "tables.sql").read_text()))
        tiles = (sql / "incremental" / "tiles.sql").read_text()
        for spec in self._specs:
            if isinstance(spec, CounterView):
                db.execute(incremental_tiles_sql(tiles, spec))
            elif isinstance(spec.incremental, NewestRow):
                db.execute(newest_rows_table_sql(spec, shop))

    def load(self, db: Database, *, day_ended: bool) -> None:
        """Fill the tables with the rows of the entities that changed.

        Args:
            db: holds the new events, staged.
            day_ended: whether rows of a midnight are due, which compare all items and include
                users and queries without a new event.
        """
        for key, tables in _CHANGED_IN.items():
            union = " union ".join(f"select {key} from {table}" for table in tables)
            db.execute(f"create temp table changed_{key} as {union}")
        for table in self._tables.values():
            condition = _condition(table, day_ended=day_ended)
            files = sorted(self._folder(table).glob("*.parquet"))
            if condition and files:
                rows = newest(files, table.key, condition)
                db.execute(f"insert into incremental_{table.name} by name {rows}")

    def write(self, db: Database, name: str, sql: str, slice_: int | None = None) -> None:
        """Add a file for the next run; `sql` selects all rows of the entities that changed."""
        self._files.add(db, self._folder(self._tables[name]), sql, slice_)

    def write_by(self, name: str, writer: Callable[[Path], int], slice_: int | None = None) -> None:
        """Add a file that a function writes; it returns the number of rows."""
        self._files.add_by(self._folder(self._tables[name]), writer, slice_)

    def write_newest(self, db: Database, name: str, rows: Sequence[Path]) -> None:
        """Add the newest row of each entity in the files that the run has just written."""
        key = self._tables[name].key
        if rows:
            self.write(db, name, f"{newest(rows, key)} order by {key}")

    def merge(self, db: Database) -> None:
        """Merge files, so that their number stays low."""
        for table in self._tables.values():
            self._files.merge(db, self._folder(table), table.key)

    def _folder(self, table: _Table) -> Path:
        features = self._files.features
        return (
            tiles_of(features / table.name)
            if table.is_tiles
            else (features / "_incremental" / table.name)
        )


def _tables(specs: Sequence[ViewSpec]) -> Iterator[_Table]:
    yield _Table(EXAMINED, "item_id")
    for spec in specs:
        state = spec.incremental
        if isinstance(spec, CounterView):
            yield _Table(spec.name, spec.key, is_tiles=True)
        elif isinstance(state, NewestRow):
            yield _Table(spec.name, spec.key, state.load)
        elif isinstance(state, DailySums):
            yield _Table(state.table, spec.key, is_by_day=True)


def _condition(table: _Table, *, day_ended: bool) -> str | None:
    """The condition on the rows to load; None to load none."""
    if table.key not in _CHANGED_IN or (day_ended and table.key == "item_id"):
        return "true"
    if table.load == "day_ended":
        return None
    changed = f"{table.key} in (select {table.key} from changed_{table.key})"
    return f"{changed} or {_OPEN}" if table.is_by_day and day_ended else changed

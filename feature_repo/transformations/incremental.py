"""What a run takes over of the entities it writes rows of, and leaves to the next run.

A counted view's tiles say all there is to go on from; of other views it is an entity's newest row,
or sums by day.  Each run adds a file of the entities that changed; the newest rows of one hold.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from feature_repo.shop import Shop
from feature_repo.transformations.row_files import Database, RowFiles, newest
from feature_repo.transformations.templates import carried_sql, carried_tiles_sql
from feature_repo.views import CounterView, tiles_of

KEYS = {
    "item_attributes": "item_id",
    "user_attributes": "user_id",
    "user_first_seen": "user_id",
    "user_recent": "user_id",
    "query_days": "query_key",
    "market_days": "market",
    "item_examined": "item_id",
    "item_percentiles": "item_id",
}
"""Incremental table → join key of its entity; beside them there are the tiles of counted views."""

_TOUCHED = {
    "item_id": ("stg_items", "stg_impressions", "stg_interactions"),
    "user_id": ("stg_first_seen", "stg_users", "stg_impressions", "stg_interactions"),
    "query_key": ("stg_rankings", "stg_impressions", "stg_interactions"),
}
_OPEN = """
    query_key in (select query_key from touched_query_key)
    or known_at > getvariable('since') + 1
"""


class IncrementalState:
    """The carried tables of one generation: those a run finds, and those it leaves."""

    def __init__(self, files: RowFiles, counters: Sequence[CounterView]) -> None:
        self._files, self._counters = files, counters
        self._keys = KEYS | {counter.name: counter.key for counter in counters}

    def blank(self, db: Database, sql: Path, shop: Shop) -> None:
        """Make every table, without rows; `sql` is where the files of SQL lie."""
        db.execute(carried_sql((sql / "incremental" / "tables.sql").read_text(), shop))
        for counter in self._counters:
            db.execute(carried_tiles_sql((sql / "incremental" / "tiles.sql").read_text(), counter))

    def find(self, db: Database, *, day_ended: bool) -> None:
        """Fill them with the entities that something new is told of.

        Args:
            db: holds what is new, staged.
            day_ended: whether rows of a midnight are due, which tell of all items, and of queries
                that were silent since.
        """
        for key, tables in _TOUCHED.items():
            union = " union ".join(f"select {key} from {table}" for table in tables)
            db.execute(f"create temp table touched_{key} as {union}")
        for name, key in self._keys.items():
            among = _among(name, key, day_ended=day_ended)
            files = sorted(self._folder(name).glob("*.parquet"))
            if among and files:
                db.execute(f"insert into carried_{name} by name {newest(files, key, among)}")

    def leave(self, db: Database, name: str, sql: str, slice_: int | None = None) -> None:
        """Add a file for the next run; `sql` gives all rows of the entities that changed."""
        self._files.add(db, self._folder(name), sql, slice_)

    def leave_by(
        self, name: str, writing: Callable[[Path], int], slice_: int | None = None
    ) -> None:
        """The same of rows that something else than a query writes; it returns their number."""
        self._files.add_by(self._folder(name), writing, slice_)

    def leave_newest(self, db: Database, name: str, rows: Sequence[Path]) -> None:
        """The same of a view whose newest rows are what is carried, from the files just written."""
        key = self._keys[name]
        if rows:
            self.leave(db, name, f"{newest(rows, key)} order by {key}")

    def merge(self, db: Database) -> None:
        """Keep the number of files low."""
        for name, key in self._keys.items():
            self._files.merge(db, self._folder(name), key)

    def _folder(self, name: str) -> Path:
        """Where the files of a table lie, beside those of the views."""
        features = self._files.features
        return features / "_carried" / name if name in KEYS else tiles_of(features / name)


def _among(name: str, key: str, *, day_ended: bool) -> str | None:
    """The condition on rows to be loaded; None where none is needed."""
    if name == "market_days" or (day_ended and key == "item_id"):
        return "true"
    if name == "item_percentiles":
        return None
    if name == "query_days" and day_ended:
        return _OPEN
    return f"{key} in (select {key} from touched_{key})"

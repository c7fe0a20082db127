"""Compute the counts of one slice of a counted view's entities, from new and earlier deltas."""

from pathlib import Path
from string import Template

from feature_repo.shop import Shop
from feature_repo.transformations.row_files import Database, read
from feature_repo.transformations.templates import counts_sql, incremental_counts_sql, row_sql
from feature_repo.views import CounterView

_CHANGED = Template("from incremental_$view where $key in (select $key from fresh)")
_IN_SLICE = Template("hash($key) % getvariable('slices') = getvariable('slice')")


def set_slice(db: Database, number: int, slices: int) -> None:
    """Set the variables that select a slice of the entities."""
    db.execute(f"set variable slices = {slices}")
    db.execute(f"set variable slice = {number}")


def create_fresh(db: Database, counter: CounterView, shop: Shop) -> int:
    """Create the SQL view `fresh` of all new deltas and return their number.

    Raises:
        CatalogueError: the columns differ from the declared measures.
    """
    db.execute(f"create or replace temp view fresh as\n{row_sql(counter, shop)}")
    counter.check_columns(db.table("fresh").columns)
    return int(db.table("fresh").shape[0])


def changed_tiles(counter: CounterView) -> str:
    """Return SQL of the earlier tiles of the entities with new deltas."""
    return _CHANGED.substitute(view=counter.name, key=counter.key)


def count(db: Database, counter: CounterView, sql: Path, tiles: str, fresh: str) -> None:
    """Create the table `counted` from earlier tiles and new deltas, and the table `deltas`.

    Args:
        db: holds the staged events.
        counter: the view.
        sql: folder of the SQL files.
        tiles: SQL of the earlier tiles.
        fresh: SQL of the new deltas.
    """
    db.execute(f"create or replace temp table previous_tiles as {tiles}")
    earlier = incremental_counts_sql((sql / "incremental" / "counts.sql").read_text(), counter)
    columns = ", ".join((counter.key, "seen_at", "bucket", "part", *counter.measures))
    both = f"select {columns}, 1 as events from ({fresh}) union all by name {earlier}"
    in_slice = _IN_SLICE.substitute(key=counter.key)
    db.execute(f"create or replace temp table deltas as from ({both}) where {in_slice}")
    counts = counts_sql((sql / "counts.sql").read_text(), counter)
    db.execute(f"create or replace temp table counted as\n{counts}")


def add_unchanged(db: Database, counter: CounterView, pending: Path) -> None:
    """Add the pending changes of the last run, of the entities without new deltas."""
    key, in_slice = counter.key, _IN_SLICE.substitute(key=counter.key)
    unchanged = (
        f"from {read([pending])} where {in_slice} and {key} not in (select {key} from fresh)"
    )
    both = f"from counted union all by name {unchanged}"
    order = f"order by {key}, event_timestamp"
    db.execute(f"create or replace temp table counted as from ({both}) {order}")

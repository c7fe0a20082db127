"""Makes the counts of a counted view, of one slice of its entities, from deltas new and carried."""

from pathlib import Path
from string import Template

from feature_repo.transformations.row_files import Database, read
from feature_repo.transformations.templates import carried_counts_sql, counts_sql
from feature_repo.views import CounterView

_CONCERNED = Template("from carried_$view where $key in (select $key from fresh)")
_MINE = Template("hash($key) % getvariable('slices') = getvariable('slice')")


def set_slice(db: Database, number: int, slices: int) -> None:
    """Set the variables that say which entities."""
    db.execute(f"set variable slices = {slices}")
    db.execute(f"set variable slice = {number}")


def lay_out(db: Database, counter: CounterView, sql: Path) -> int:
    """Make the view `fresh` of all deltas that are new; returns their number.

    Args:
        db: holds what is new, staged.
        counter: the view.
        sql: where the files of SQL lie.

    Raises:
        CatalogueError: they have not the columns that are declared.
    """
    deltas = (sql / "features" / f"{counter.name}.sql").read_text()
    db.execute(f"create or replace temp view fresh as\n{deltas}")
    counter.check_columns(db.table("fresh").columns)
    return int(db.table("fresh").shape[0])


def concerned(counter: CounterView) -> str:
    """SQL of what is carried of entities that something new is told of."""
    return _CONCERNED.substitute(view=counter.name, key=counter.key)


def count(db: Database, counter: CounterView, sql: Path, carried: str, fresh: str) -> None:
    """Make the table `counted`, of what is carried and what is fresh, and leave `deltas` to read.

    Args:
        db: holds what is new, staged.
        counter: the view.
        sql: where the files of SQL lie.
        carried: SQL of tiles.
        fresh: SQL of deltas.
    """
    db.execute(f"create or replace temp table carried as {carried}")
    again = carried_counts_sql((sql / "incremental" / "counts.sql").read_text(), counter)
    told = ", ".join((counter.key, "seen_at", "bucket", "part", *counter.measures))
    both = f"select {told}, 1 as events from ({fresh}) union all by name {again}"
    mine = _MINE.substitute(key=counter.key)
    db.execute(f"create or replace temp table deltas as from ({both}) where {mine}")
    counts = counts_sql((sql / "counts.sql").read_text(), counter)
    db.execute(f"create or replace temp table counted as\n{counts}")


def add_silent(db: Database, counter: CounterView, pending: Path) -> None:
    """Add the pending leaves, of then, of entities of which nothing new was told."""
    key, mine = counter.key, _MINE.substitute(key=counter.key)
    silent = f"from {read([pending])} where {mine} and {key} not in (select {key} from fresh)"
    both = f"from counted union all by name {silent}"
    order = f"order by {key}, event_timestamp"
    db.execute(f"create or replace temp table counted as from ({both}) {order}")

"""From the compacted log to the rows of every feature view, in DuckDB.

Staging reads the log one to one; each view is one SQL file; counted views say their deltas, which
`counts.sql` turns into counts.  Where the log was only added to, a run reads what was added and
what earlier runs left of the entities concerned (see `incremental.py`), and adds files of rows;
else it reads the whole log and writes everything anew, by the same SQL.  Either makes a generation
of all features, which takes the place of the last one in one step.  A run whose inputs have not
changed does nothing.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.events.log import read_seals
from feature_repo.home import DAY, Home, to_text
from feature_repo.shop import Shop
from feature_repo.transformations.counters import add_silent, concerned, count, lay_out, set_slice
from feature_repo.transformations.generations import next_generation, sweep, take_over
from feature_repo.transformations.incremental import IncrementalState
from feature_repo.transformations.log_slice import LogSlice
from feature_repo.transformations.recent_rows import RecentRows
from feature_repo.transformations.row_files import Database, RowFiles, read, rows_of, write
from feature_repo.transformations.state import Inputs, State, files_of
from feature_repo.transformations.templates import (
    attributes_sql,
    counts_sql,
    entries_sql,
    market_days_sql,
    market_sql,
    percentiles_sql,
    query_sql,
    tiles_sql,
    user_attributes_sql,
)
from feature_repo.views import (
    COUNTER_VIEWS,
    K_CLICKED,
    K_QUERY_ITEMS,
    K_SHOWN,
    LARGEST_AMOUNT,
    MINOR_UNITS,
    WINDOWS,
    CounterView,
    counters,
    history_limits,
    percentiles,
)

SQL = Path(__file__).parent
STAGING = (
    "stg_items",
    "stg_users",
    "stg_rankings",
    "stg_impressions",
    "stg_interactions",
    "stg_first_seen",
)
_OF_PEOPLE = ("stg_users", "stg_first_seen")
"""What is told of users alone moves no midnight: it says nothing of items."""

VIEWS = (
    "item_attributes",
    "user_attributes",
    "user_first_seen",
    *(counter.name for counter in COUNTER_VIEWS),
    "user_recent",
    "query_clicked_items",
    "item_percentiles",
    "market_baseline",
)
MEMORY_LIMIT = "4GB"
"""Beyond it DuckDB spills to the home's disk."""

ASOF_LOOP_ROWS = 0
"""Up to so many rows, as DuckDB expects them, an as-of join is a loop over all rows of the other
side; it expects a few of what are hundreds of thousands."""

ROWS_PER_SLICE = 1_000_000
"""Deltas of counted views, and impressions and interactions of users, at most."""

WRITERS = 2
"""Slices of users that are written while the next is computed."""

Progress = Callable[[str], None]

_COUNTERS = {counter.name: counter for counter in COUNTER_VIEWS}
_FILLED: dict[str, Callable[[str, Shop], str]] = {
    "item_attributes": attributes_sql,
    "user_attributes": user_attributes_sql,
    "user_first_seen": lambda sql, _: sql,
    "user_recent": lambda sql, _: sql,
    "query_clicked_items": query_sql,
    "item_percentiles": percentiles_sql,
    "market_baseline": market_sql,
}
_DAYS = {"query_clicked_items": "query_days", "market_baseline": "market_days"}
"""View → the sums by day it is made of, which are what is carried of it."""

_EXAMINED = "item_examined"
"""Such sums too, made while the old events that new ones name are staged."""

_NEWEST = (
    "item_attributes",
    "user_attributes",
    "user_first_seen",
    "user_recent",
    "item_percentiles",
)
"""Views of which the newest rows are carried."""

_FRESH = "event_timestamp > make_timestamptz(getvariable('since') + 1)"
_FINAL = "event_timestamp <= make_timestamptz(getvariable('last_seal') + 1)"


@dataclass(frozen=True)
class ViewReport:
    """What was written for one view: rows of this run; bytes of all its files."""

    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class TransformReport:
    """What a run did.

    Attributes:
        views: what was written of each.
        skipped: the inputs had not changed since the last run.
        rebuilt: all rows were written anew.
        events: of the log that were read.
    """

    views: dict[str, ViewReport] = field(default_factory=dict)
    skipped: bool = False
    rebuilt: bool = False
    events: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def transform(home: Home, clock_now: int, progress: Progress | None = None) -> TransformReport:
    """Write the rows of every feature view of a home.

    The caller holds the home's lock.

    Args:
        home: whose log and features.
        clock_now: the present instant, for the report's sake; no row depends on it.
        progress: called with a line before each view.

    Raises:
        ShopError: shop.toml cannot be read or says something impossible.
        LogError: the log's seals cannot be read.
    """
    inputs, before = Inputs.of(home, _rules(home)), State.read(home.features)
    if before and before.inputs == inputs:
        sweep(home)
        return TransformReport(skipped=True)
    if before and not inputs.follows(before.inputs):
        before = None
    say = progress or (lambda _: None)
    say(f"features as of {to_text(clock_now)}")
    with next_generation(home) as folder:
        if before:
            take_over(home.features, folder)
        return _Run(home, folder, inputs, before).write(say)


@contextmanager
def staged(home: Home, spill: Path, log: LogSlice | None = None) -> Iterator[Database]:
    """A database that holds the staged log of a home, and spills to the folder `spill`.

    Args:
        home: whose log.
        spill: is made, and removed at the end.
        log: what to read; by default all of it.
    """
    spill.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute("set enable_progress_bar = false")
        db.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        db.execute("set temp_directory = ?", [str(spill)])
        db.execute(f"set asof_loop_join_threshold = {ASOF_LOOP_ROWS}")
        _stage(db, log or LogSlice.whole(home))
        yield db
    spill.rmdir()


def _stage(db: Database, log: LogSlice) -> None:
    instants = {"last_seal": read_seals(log.home.log / "seals").last, "since": log.since}
    for name, value in (_constants() | instants).items():
        db.execute(f"set variable {name} = ?", [value])
    db.execute("create temp table windows (days bigint)")
    db.executemany("insert into windows values (?)", [[days] for days in WINDOWS.values()])
    log.open(db)
    db.execute((SQL / "values.sql").read_text())
    for table in STAGING:
        sql = (SQL / "staging" / f"{table}.sql").read_text()
        db.execute(f"create temp table {table} as\n{sql}")


def _constants() -> dict[str, Any]:
    return {
        "positive_types": list(POSITIVE_TYPES),
        "minor_units": MINOR_UNITS,
        "largest_amount": LARGEST_AMOUNT,
        "k_clicked": K_CLICKED,
        "k_shown": K_SHOWN,
        "k_query_items": K_QUERY_ITEMS,
    }


def _rules(home: Home) -> Iterator[bytes]:
    """All but the log that rows depend on: the shop's fields, the SQL, its constants, this code."""
    yield repr((Shop.load(home.shop_toml), _constants(), duckdb.__version__)).encode()
    sources = [path for path in SQL.rglob("*") if path.suffix in (".sql", ".py")]
    declared = [Path(str(module.__file__)) for module in (counters, history_limits, percentiles)]
    for path in (*sorted(sources), *declared):
        yield path.read_bytes()


def views_of(shop: Shop) -> tuple[str, ...]:
    """The views that rows are written of: no user's attributes where the shop declares none."""
    return tuple(view for view in VIEWS if view != "user_attributes" or shop.user_fields)


def view_sql(view: str, shop: Shop) -> str:
    """The SQL of a view's rows; for a counted view, of its counts over the table `deltas`."""
    sql = (SQL / "features" / f"{view}.sql").read_text()
    if view in _COUNTERS:
        return counts_sql((SQL / "counts.sql").read_text(), _COUNTERS[view])
    return _FILLED[view](sql, shop)


class _Run:
    """One run, over the log or what was added to it, into the folder of a new generation."""

    def __init__(self, home: Home, folder: Path, inputs: Inputs, before: State | None) -> None:
        self._home, self._folder, self._inputs, self._before = home, folder, inputs, before
        self._shop = Shop.load(home.shop_toml)
        self._files = RowFiles(folder, int(folder.name) if before else None)
        self._carried = IncrementalState(self._files, tuple(_COUNTERS.values()))

    def write(self, say: Progress) -> TransformReport:
        """Write rows of every view, and what the next run needs."""
        log, reports = self._log(), {}
        with staged(self._home, self._folder / ".spill", log) as db:
            events = log.events(db)
            latest = self._prepare(db)
            for view in views_of(self._shop):
                say(f"features: {view}")
                reports[view] = self._view(db, view)
            self._merge(db)
        State(self._inputs, latest, files_of(self._folder)).write(self._folder)
        return TransformReport(reports, rebuilt=self._before is None, events=events)

    def _log(self) -> LogSlice:
        if not self._before:
            return LogSlice(self._home, frozenset(self._inputs.log))
        new = self._inputs.new_since(self._before.inputs)
        return LogSlice(self._home, frozenset(new), self._before.inputs.last_seal)

    def _prepare(self, db: Database) -> int | None:
        """Lay out what earlier runs left beside what is new; gives the newest event's instant."""
        latest = self._before.latest if self._before else None
        db.execute("set variable latest = ?::bigint", [latest])
        self._carried.blank(db, SQL, self._shop)
        if self._before:
            seals = self._before.inputs.last_seal, self._inputs.last_seal
            before, now = ((seal + 1) // DAY for seal in seals)
            self._carried.find(db, day_ended=before < now)
        set_slice(db, 0, 1)
        self._days(db, _EXAMINED)
        for table in STAGING:
            db.execute(f"delete from {table} where seen_at <= getvariable('since')")
        instants = [
            db.execute(f"select max(seen_at) from {table}").fetchall()[0][0]
            for table in STAGING
            if table not in _OF_PEOPLE
        ]
        return max((at for at in (latest, *instants) if at is not None), default=None)

    def _view(self, db: Database, view: str) -> ViewReport:
        started, folder = time.perf_counter(), self._folder / view
        if view in _COUNTERS:
            files = self._write_counts(db, _COUNTERS[view])
        elif view == "user_recent":
            files = self._write_recent(db)
        else:
            files = self._write_rows(db, view)
        rows = sum(map(rows_of, files))
        size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
        return ViewReport(rows, size, round(time.perf_counter() - started, 3))

    def _merge(self, db: Database) -> None:
        """Keep the number of files low, now that no view reads them any more."""
        self._carried.merge(db)
        for view in views_of(self._shop):
            self._files.merge(db, self._folder / view)

    def _write_rows(self, db: Database, view: str) -> list[Path]:
        days = _DAYS.get(view)
        if days:
            self._days(db, days)
        files = self._files.add(db, self._folder / view, view_sql(view, self._shop))
        if days:
            db.execute(f"drop table {days}")
        if view in _NEWEST:
            self._carried.leave_newest(db, view, files)
        if view == "item_attributes":
            _know(db, view, files, f"carried_{view}")
        return files

    def _days(self, db: Database, name: str) -> None:
        """Make a table of sums by day, and leave those of the entities that changed."""
        made, left = (_days_sql(folder, name) for folder in ("intermediate", "incremental"))
        db.execute(f"create temp table {name} as\n{made}")
        self._carried.leave(db, name, f"from ({left}) where {_FRESH} order by all")

    def _slices(self, db: Database, rows: int) -> Iterator[int | None]:
        """Set the variables that say which entities, a slice at a time: memory stays flat.

        Gives the number of each slice, and None for the only one.
        """
        slices = 1 + rows // ROWS_PER_SLICE
        for n in range(slices):
            set_slice(db, n, slices)
            yield n if slices > 1 else None
        set_slice(db, 0, 1)

    def _write_recent(self, db: Database) -> list[Path]:
        """Write a file per slice of the users."""
        events = db.table("stg_impressions").shape[0] + db.table("stg_interactions").shape[0]
        written: list[Future[list[Path]]] = []
        with ThreadPoolExecutor(WRITERS) as pool:
            for n in self._slices(db, events):
                rows = RecentRows.of(db, *self._recent_sql())
                if len(written) >= WRITERS:
                    written[-WRITERS].result()
                written.append(pool.submit(self._write_slice, rows, n))
        return [path for files in written for path in files.result()]

    def _recent_sql(self) -> tuple[str, str]:
        entries = (SQL / "intermediate" / "user_entries.sql").read_text()
        return entries_sql(entries, self._shop), view_sql("user_recent", self._shop)

    def _write_slice(self, rows: RecentRows, n: int | None) -> list[Path]:
        view = "user_recent"
        files = self._files.add_by(self._folder / view, rows.write, n)
        if files:
            self._carried.leave_by(view, rows.newest().write, n)
        return files

    def _write_counts(self, db: Database, counter: CounterView) -> list[Path]:
        """Write what is final, up to the last seal, and what is pending: later leaves of windows.

        The sums for tiles lie beside the views' folders: they are no rows of the view.
        """
        view, folder = counter.name, self._folder / counter.name
        deltas = lay_out(db, counter, SQL)
        if view == "item_engagement" and self._before:
            count(db, counter, SQL, f"from carried_{view}", "from fresh where false")
            db.execute(f"create temp table counted_before as from counted where not {_FRESH}")
        files = []
        for n in self._slices(db, deltas):
            count(db, counter, SQL, concerned(counter), "from fresh")
            self._carried.leave(db, view, tiles_sql((SQL / "tiles.sql").read_text(), counter), n)
            if self._before:
                add_silent(db, counter, self._home.features / view / "pending.parquet")
            files += self._files.add(db, folder, f"from counted where {_FRESH} and {_FINAL}", n)
            into = "insert into pending" if n else "create or replace temp table pending as"
            db.execute(f"{into} from counted where not {_FINAL}")
        pending = folder / "pending.parquet"
        write(db, pending, "from pending")
        if view == "item_engagement":
            _know(db, view, [*files, pending], "counted_before" if self._before else None)
        return [*files, pending]


def _days_sql(folder: str, name: str) -> str:
    sql = (SQL / folder / f"{name}.sql").read_text()
    return market_days_sql(sql) if name == "market_days" else sql


def _know(db: Database, view: str, files: list[Path], before: str | None) -> None:
    """Let other views read what was known of items at any instant since the last run."""
    tables = [*([read(files)] if files else []), *([before] if before else [])]
    both = " union all by name ".join(f"from {table}" for table in tables)
    db.execute(f"create temp view {view} as {both}")

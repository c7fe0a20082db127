"""Compute the rows of every feature view from the compacted log, in DuckDB.

Staging reads the log (see `staged_log.py`).  Each view is one SQL file; a counted view's file
returns deltas, which `counts.sql` turns into counts.  If the log only grew, a run reads the new
events and the incremental state of the entities that changed (see `incremental.py`) and adds files
of rows; otherwise it reads the whole log and writes all rows again, by the same SQL.  Each run
makes a generation of all features, which replaces the last one in one step.  A run whose inputs
have not changed does nothing.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from feature_repo.events.log import check_relations
from feature_repo.home import DAY, Home, to_text
from feature_repo.shop import Shop
from feature_repo.transformations.counters import (
    add_unchanged,
    changed_tiles,
    count,
    create_fresh,
    set_slice,
)
from feature_repo.transformations.generations import next_generation, sweep, take_over
from feature_repo.transformations.incremental import EXAMINED, IncrementalState
from feature_repo.transformations.log_slice import LogSlice
from feature_repo.transformations.recent_rows import RecentRows
from feature_repo.transformations.row_files import Database, RowFiles, read, rows_of, write
from feature_repo.transformations.sql_errors import check_columns, naming_the_view
from feature_repo.transformations.staged_log import OF_ITEMS, SQL, STAGING, constants, staged
from feature_repo.transformations.state import EVERYTHING, Inputs, State, files_of
from feature_repo.transformations.templates import (
    entries_sql,
    market_days_sql,
    row_sql,
    tiles_sql,
)
from feature_repo.views import (
    CounterView,
    DailySums,
    LiveLists,
    NewestRow,
    ViewSpec,
    WholeLog,
    fingerprint,
    views_of,
)

ROWS_PER_SLICE = 1_000_000
"""Maximum number of deltas of a counted view, or of shoppers' impressions and interactions."""

WRITERS = 2
"""Slices of users or sessions that are written while the next one is computed."""

Progress = Callable[[str], None]

_FRESH = "event_timestamp > make_timestamptz(getvariable('since') + 1)"
_LINKED_ITEMS = """
    select item_id from stg_linked_interactions where happened_at <= getvariable('since')
    union select item_id from stg_linked_impressions where happened_at <= getvariable('since')
"""
_FINAL = "event_timestamp <= make_timestamptz(getvariable('last_seal') + 1)"


@dataclass(frozen=True)
class ViewReport:
    """The rows of one view that a run wrote, and the bytes of all its files."""

    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class TransformReport:
    """The result of a run.

    Attributes:
        views: a report for each view.
        skipped: whether the inputs had not changed since the last run.
        rebuilt: whether the run wrote all rows again.
        events: number of events that the run read.
    """

    views: dict[str, ViewReport] = field(default_factory=dict)
    skipped: bool = False
    rebuilt: bool = False
    events: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the result for `--json`."""
        return asdict(self)


def transform(home: Home, clock_now: int, progress: Progress | None = None) -> TransformReport:
    """Write the rows of every feature view of a home.

    The caller holds the home's lock.

    Args:
        home: whose log and features.
        clock_now: the present instant, only for the progress line; no row depends on it.
        progress: called with a line before each view.

    Raises:
        ShopError: shop.toml cannot be read or declares something impossible.
        CatalogueError: the SQL of a view fails, or differs from its declaration.
        LogError: the log's seals cannot be read, or a file of the log is damaged.
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


def is_current(home: Home, clock_now: int) -> bool:
    """Return whether a seal and a run at this instant would write no new row.

    They would not if the inputs are those of the last run, which had the log's last seal, and no
    window and no day has ended since.
    """
    inputs, before = Inputs.of(home, _rules(home)), State.read(home.features)
    if not before or before.inputs != inputs or (inputs.last_seal + 1) // DAY < clock_now // DAY:
        return False
    pending = [str(path) for path in home.features.glob("*/pending.parquet")]
    sql = "select epoch_us(min(event_timestamp)) from read_parquet($pending, union_by_name := true)"
    next_end = duckdb.execute(sql, {"pending": pending}).fetchall()[0][0] if pending else None
    return next_end is None or next_end > clock_now


def features_sealed_at(home: Home) -> int | None:
    """Return the seal that the feature rows were computed up to.

    None if there are no rows, or if definitions or the past of the log changed since.
    """
    before = State.read(home.features)
    if before is None or not Inputs.of(home, _rules(home)).follows(before.inputs):
        return None
    return before.inputs.last_seal


def _rules(home: Home) -> Iterator[bytes]:
    """Give what rows depend on besides the log: shop, views, SQL, constants and this code."""
    shop = Shop.load(home.shop_toml)
    yield repr((shop, constants(), duckdb.__version__)).encode()
    yield from fingerprint(shop)
    rooms = (SQL, SQL.parent / "views")
    sources = [p for room in rooms for p in room.rglob("*") if p.suffix in (".sql", ".py")]
    for path in sorted(sources):
        yield path.read_bytes()


class _Run:
    """One run over the whole log, or over its new events, into the folder of a new generation."""

    def __init__(self, home: Home, folder: Path, inputs: Inputs, before: State | None) -> None:
        self._home, self._folder, self._inputs, self._before = home, folder, inputs, before
        self._shop = Shop.load(home.shop_toml)
        self._specs = views_of(self._shop)
        self._files = RowFiles(folder, int(folder.name) if before else None)
        self._state = IncrementalState(self._files, self._specs)

    def write(self, say: Progress) -> TransformReport:
        """Write the rows of every view and the state for the next run."""
        log, reports = self._log(), {}
        with staged(self._home, self._folder / ".spill", log) as db, ExitStack() as stack:
            whole = self._whole_log(db, stack)
            events = log.events(db)
            latest = self._prepare(db)
            for spec in self._specs:
                say(f"features: {spec.name}")
                with naming_the_view(spec):
                    reports[spec.name] = self._view(db, whole, spec)
            self._merge(db)
        State(self._inputs, latest, files_of(self._folder)).write(self._folder)
        return TransformReport(reports, rebuilt=self._before is None, events=events)

    def _log(self) -> LogSlice:
        """The part of the log that the run reads, checked because DuckDB ignores checksums."""
        if self._before:
            new = frozenset(self._inputs.new_since(self._before.inputs))
            log = LogSlice(self._home, new, self._before.inputs.last_seal)
        else:
            log = LogSlice(self._home, frozenset(self._inputs.log))
        check_relations(self._home.log / "compacted" / name for name in sorted(log.files))
        return log

    def _whole_log(self, db: Database, stack: ExitStack) -> Database:
        """The database that views over the whole log read; staged only if a view needs it."""
        needed = any(isinstance(spec.incremental, WholeLog) for spec in self._specs)
        if not self._before or not needed:
            return db
        log = LogSlice(self._home, frozenset(self._inputs.log))
        whole = stack.enter_context(staged(self._home, self._folder / ".whole", log))
        set_slice(whole, 0, 1)
        return whole

    def _prepare(self, db: Database) -> int | None:
        """Load the state of earlier runs and return when the newest event was seen."""
        latest = self._before.latest if self._before else None
        db.execute("set variable latest = ?::bigint", [latest])
        self._state.create(db, SQL, self._shop)
        if self._before:
            seals = self._before.inputs.last_seal, self._inputs.last_seal
            before, now = ((seal + 1) // DAY for seal in seals)
            self._state.load(db, day_ended=before < now)
        set_slice(db, 0, 1)
        self._daily_sums(db, EXAMINED)
        for table in STAGING:
            db.execute(f"delete from {table} where seen_at <= getvariable('since')")
        newest = (f"select max(seen_at) from {table}" for table in OF_ITEMS)
        instants = [db.execute(sql).fetchall()[0][0] for sql in newest]
        return max((at for at in (latest, *instants) if at is not None), default=None)

    def _view(self, db: Database, whole: Database, spec: ViewSpec) -> ViewReport:
        started, folder = time.perf_counter(), self._folder / spec.name
        if isinstance(spec, CounterView):
            files = self._write_counts(db, spec)
        elif isinstance(spec.live, LiveLists):
            files = self._write_recent(db, spec)
        elif isinstance(spec.incremental, WholeLog):
            files = self._write_new_rows(whole, spec)
        else:
            files = self._write_rows(db, spec)
        rows = sum(map(rows_of, files))
        size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
        return ViewReport(rows, size, round(time.perf_counter() - started, 3))

    def _merge(self, db: Database) -> None:
        """Merge files after the last view has read them, so that their number stays low."""
        self._state.merge(db)
        for spec in self._specs:
            self._files.merge(db, self._folder / spec.name)

    def _write_rows(self, db: Database, spec: ViewSpec) -> list[Path]:
        state = spec.incremental
        if isinstance(state, DailySums):
            self._daily_sums(db, state.table)
        sql = row_sql(spec, self._shop)
        check_columns(db, spec, self._shop, sql)
        files = self._files.add(db, self._folder / spec.name, sql)
        if isinstance(state, DailySums):
            db.execute(f"drop table {state.table}")
        if isinstance(state, NewestRow):
            self._state.write_newest(db, spec.name, files)
        if spec.name == "item_attributes":
            before = [f"incremental_{spec.name}", *self._history(db, spec.name)]
            _create_view(db, spec.name, files, before)
        return files

    def _history(self, db: Database, view: str) -> list[str]:
        """Name a table of all rows of the items of linked events, which are older than this run."""
        db.execute(f"create temp table linked_items as {_LINKED_ITEMS}")
        if not self._before or not db.table("linked_items").shape[0]:
            return []
        rows, table = read(sorted((self._folder / view).glob("*.parquet"))), f"{view}_of_linked"
        rows = f"{rows} semi join linked_items using (item_id)"
        db.execute(f"create temp table {table} as from {rows}")
        return [table]

    def _write_new_rows(self, whole: Database, spec: ViewSpec) -> list[Path]:
        """Write the rows of a view over the whole log that no earlier run has written."""
        sql = row_sql(spec, self._shop)
        check_columns(whole, spec, self._shop, sql)
        since = self._before.inputs.last_seal if self._before else EVERYTHING
        fresh = f"event_timestamp > make_timestamptz({since} + 1)"
        rows = f"from ({sql}) where {fresh} order by {spec.key}, event_timestamp"
        return self._files.add(whole, self._folder / spec.name, rows)

    def _daily_sums(self, db: Database, name: str) -> None:
        """Create a table of sums by day, and write the sums of the entities that changed."""
        sums, merged = (_daily_sums_sql(folder, name) for folder in ("intermediate", "incremental"))
        db.execute(f"create temp table {name} as\n{sums}")
        self._state.write(db, name, f"from ({merged}) where {_FRESH} order by all")

    def _slices(self, db: Database, rows: int) -> Iterator[int | None]:
        """Select one slice of the entities after the other, which bounds the memory.

        Yields the number of each slice, and None if there is only one.
        """
        slices = 1 + rows // ROWS_PER_SLICE
        for n in range(slices):
            set_slice(db, n, slices)
            yield n if slices > 1 else None
        set_slice(db, 0, 1)

    def _write_recent(self, db: Database, spec: ViewSpec) -> list[Path]:
        """Write a file per slice of the users or sessions."""
        events = db.table("stg_impressions").shape[0] + db.table("stg_interactions").shape[0]
        template = (SQL / "intermediate" / "shopper_entries.sql").read_text()
        entries, rows_sql = entries_sql(template, spec, self._shop), row_sql(spec, self._shop)
        written: list[Future[list[Path]]] = []
        with ThreadPoolExecutor(WRITERS) as pool:
            for n in self._slices(db, events):
                rows = RecentRows.of(db, spec.key, entries, rows_sql)
                if len(written) >= WRITERS:
                    written[-WRITERS].result()
                written.append(pool.submit(self._write_slice, spec.name, rows, n))
        return [path for files in written for path in files.result()]

    def _write_slice(self, view: str, rows: RecentRows, n: int | None) -> list[Path]:
        files = self._files.add_by(self._folder / view, rows.write, n)
        if files:
            self._state.write_by(view, rows.newest().write, n)
        return files

    def _write_counts(self, db: Database, counter: CounterView) -> list[Path]:
        """Write the final rows, up to the last seal, and the pending ones: later window ends.

        The sums for tiles have a separate folder, because they are not rows of the view.
        """
        view, folder = counter.name, self._folder / counter.name
        deltas = create_fresh(db, counter, self._shop)
        if view == "item_engagement" and self._before:
            count(db, counter, SQL, f"from incremental_{view}", "from fresh where false")
            db.execute(f"create temp table counted_before as from counted where not {_FRESH}")
        files = []
        for n in self._slices(db, deltas):
            count(db, counter, SQL, changed_tiles(counter), "from fresh")
            self._state.write(db, view, tiles_sql((SQL / "tiles.sql").read_text(), counter), n)
            if self._before:
                add_unchanged(db, counter, self._home.features / view / "pending.parquet")
            files += self._files.add(db, folder, f"from counted where {_FRESH} and {_FINAL}", n)
            into = "insert into pending" if n else "create or replace temp table pending as"
            db.execute(f"{into} from counted where not {_FINAL}")
        pending = folder / "pending.parquet"
        write(db, pending, "from pending")
        if view == "item_engagement":
            _create_view(db, view, [*files, pending], ["counted_before"] if self._before else [])
        return [*files, pending]


def _daily_sums_sql(folder: str, name: str) -> str:
    sql = (SQL / folder / f"{name}.sql").read_text()
    return market_days_sql(sql) if name == "market_days" else sql


def _create_view(db: Database, view: str, files: list[Path], before: list[str]) -> None:
    """Let later views join the rows of a view, as of any instant since the last run."""
    tables = [*([read(files)] if files else []), *before]
    both = " union all by name ".join(f"from {table}" for table in tables)
    db.execute(f"create temp view {view} as {both}")

"""From the compacted log to the rows of every feature view, in DuckDB.

Staging reads the log one to one; each view is one SQL file; counted views say their deltas, which
`counts.sql` turns into counts.  Every run builds all rows anew and replaces each file in one step;
the same inputs give the same bytes, so a run whose inputs have not changed does nothing.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from feature_repo.counters import (
    COUNTER_VIEWS,
    LARGEST_AMOUNT,
    MINOR_UNITS,
    WINDOWS,
    tiles_of,
)
from feature_repo.events.contract import ARROW_SCHEMAS, POSITIVE_TYPES
from feature_repo.events.durable import replacing
from feature_repo.events.seals import read_seals
from feature_repo.home import Home
from feature_repo.instants import to_text
from feature_repo.recent import K_CLICKED, K_QUERY_ITEMS, K_SHOWN
from feature_repo.shop import Shop
from feature_repo.transformations.templates import (
    attributes_sql,
    counts_sql,
    market_sql,
    query_sql,
    recent_sql,
    standing_sql,
    tiles_sql,
)

SQL = Path(__file__).parent
STAGING = ("stg_items", "stg_rankings", "stg_impressions", "stg_interactions")
VIEWS = (
    "item_attributes",
    *(counter.name for counter in COUNTER_VIEWS),
    "user_recent",
    "query_clicked_items",
    "item_standing",
    "market_usual",
)
MEMORY_LIMIT = "4GB"
"""Beyond it DuckDB spills to the home's disk."""

EVENTS_PER_SLICE = 15_000
"""Of wide rows; with five taste fields a whole run peaked at 0.9 GB."""

Database = duckdb.DuckDBPyConnection
Progress = Callable[[str], None]

_COUNTERS = {counter.name: counter for counter in COUNTER_VIEWS}
_FILLED: dict[str, Callable[[str, Shop], str]] = {
    "item_attributes": attributes_sql,
    "user_recent": recent_sql,
    "query_clicked_items": query_sql,
    "item_standing": standing_sql,
    "market_usual": market_sql,
}
_ROWS_PER_GROUP = {"user_recent": 2048}
"""A row of recent interactions may hold tens of kilobytes; other views keep DuckDB's default."""


@dataclass(frozen=True)
class ViewReport:
    """What was written for one view."""

    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class TransformReport:
    """What a run wrote; `skipped` where its inputs had not changed since the last one."""

    views: dict[str, ViewReport] = field(default_factory=dict)
    skipped: bool = False

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
    inputs, mark = _inputs(home), home.features / "state"
    if mark.exists() and mark.read_text() == inputs + _outputs(home):
        return TransformReport(skipped=True)
    mark.unlink(missing_ok=True)
    say = progress or (lambda _: None)
    with staged(home, home.features / ".spill") as db:
        say(f"features as of {to_text(clock_now)}")
        reports = {view: _write_view(db, home, view, say) for view in VIEWS}
    with replacing(mark) as fresh:
        fresh.write_text(inputs + _outputs(home))
    return TransformReport(reports)


def log_files(home: Home, kind: str) -> list[Path]:
    """The compacted log of one kind, oldest day first."""
    return sorted((home.log / "compacted" / kind).glob("day=*/part-*.parquet"))


@contextmanager
def staged(home: Home, spill: Path) -> Iterator[Database]:
    """A database that holds the staged log of a home, and spills to the folder `spill`."""
    spill.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute("set enable_progress_bar = false")
        db.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        db.execute("set temp_directory = ?", [str(spill)])
        _stage(db, home)
        yield db
    spill.rmdir()


def _stage(db: Database, home: Home) -> None:
    parameters = {
        "positive_types": list(POSITIVE_TYPES),
        "last_seal": read_seals(home.log / "seals").last,
        "minor_units": MINOR_UNITS,
        "largest_amount": LARGEST_AMOUNT,
        "k_clicked": K_CLICKED,
        "k_shown": K_SHOWN,
        "k_query_items": K_QUERY_ITEMS,
    }
    for name, value in parameters.items():
        db.execute(f"set variable {name} = ?", [value])
    db.execute("create temp table windows (days bigint)")
    db.executemany("insert into windows values (?)", [[days] for days in WINDOWS.values()])
    for kind in ("item", "ranking", "interaction"):
        _read_log(db, home, kind)
    db.execute((SQL / "values.sql").read_text())
    for table in STAGING:
        sql = (SQL / "staging" / f"{table}.sql").read_text()
        db.execute(f"create temp table {table} as\n{sql}")


def _read_log(db: Database, home: Home, kind: str) -> None:
    """Make `log_<kind>` readable, empty where the log has no event of the kind."""
    paths = [str(path) for path in log_files(home, kind)]
    if paths:
        relation = db.read_parquet(paths, hive_partitioning=False)
    else:
        relation = db.from_arrow(ARROW_SCHEMAS[kind].empty_table())
    relation.create_view(f"log_{kind}")


def view_sql(view: str, shop: Shop) -> str:
    """The SQL of a view's rows; for a counted view, of its counts over the table `deltas`."""
    sql = (SQL / "features" / f"{view}.sql").read_text()
    if view in _COUNTERS:
        return counts_sql((SQL / "counts.sql").read_text(), _COUNTERS[view])
    return _FILLED[view](sql, shop)


def _write_view(db: Database, home: Home, view: str, say: Progress) -> ViewReport:
    say(f"features: {view}")
    started, folder = time.perf_counter(), home.features / view
    sql = view_sql(view, Shop.load(home.shop_toml))
    if view in _COUNTERS:
        files = _write_counts(db, folder, sql)
    elif view == "user_recent":
        files = _write_slices(db, folder, sql)
    else:
        files = {"rows": _write(db, folder / "rows.parquet", sql)}
    for path in folder.glob("*.parquet"):
        if path.stem not in files:
            path.unlink()
    db.execute(f"create view {view} as from read_parquet('{_quoted(folder)}/*.parquet')")
    written = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    seconds = round(time.perf_counter() - started, 3)
    return ViewReport(sum(files.values()), written, seconds)


def _write_counts(db: Database, folder: Path, sql: str) -> dict[str, int]:
    """Write what is final, up to the last seal, and what is pending: later leaves of windows.

    The sums for tiles lie beside the views' folders: they are no rows of the view.
    """
    deltas = (SQL / "features" / f"{folder.name}.sql").read_text()
    db.execute(f"create or replace temp view deltas as\n{deltas}")
    _COUNTERS[folder.name].refuse_others(db.table("deltas").columns)
    db.execute(f"create or replace temp table counted as\n{sql}")
    tiles = tiles_sql((SQL / "tiles.sql").read_text(), _COUNTERS[folder.name])
    _write(db, tiles_of(folder), tiles)
    final = "event_timestamp <= make_timestamptz(getvariable('last_seal') + 1)"
    return {
        "rows": _write(db, folder / "rows.parquet", f"from counted where {final}"),
        "pending": _write(db, folder / "pending.parquet", f"from counted where not {final}"),
    }


def _write_slices(db: Database, folder: Path, sql: str) -> dict[str, int]:
    """Write a file per slice of the users, so that memory does not grow with their number."""
    events = db.table("stg_rankings").shape[0] + db.table("stg_interactions").shape[0]
    slices = 1 + events // EVENTS_PER_SLICE
    db.execute(f"set variable slices = {slices}")
    files = {}
    for n in range(slices):
        db.execute(f"set variable slice = {n}")
        files[f"rows-{n:04d}"] = _write(db, folder / f"rows-{n:04d}.parquet", sql)
    return files


def _write(db: Database, path: Path, sql: str) -> int:
    """Write a query's rows to one file, in its order; returns their number."""
    options = "format parquet, compression zstd"
    if path.parent.name in _ROWS_PER_GROUP:
        options += f", row_group_size {_ROWS_PER_GROUP[path.parent.name]}"
    with replacing(path) as fresh:
        counted = db.execute(f"copy (\n{sql}\n) to '{_quoted(fresh)}' ({options})").fetchone()
    return int(counted[0]) if counted else 0


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _inputs(home: Home) -> str:
    """Digest of what rows depend on: the log's files, its seals, the shop, the SQL, this code."""
    digest = hashlib.sha256()
    for path in sorted((home.log / "compacted").rglob("*.parquet")):
        about = path.stat()
        digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    sources = [path for path in SQL.rglob("*") if path.suffix in (".sql", ".py")]
    for path in (home.log / "seals", home.shop_toml, *sorted(sources)):
        digest.update(path.read_bytes() if path.exists() else b"none")
    return digest.hexdigest()


def _outputs(home: Home) -> str:
    """The files there are, a line each."""
    files = sorted(home.features.glob("*/*.parquet"))
    return "".join(f"\n{path.relative_to(home.features)} {path.stat().st_size}" for path in files)

"""The log in staging tables of a database: one to one, and whose events they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import duckdb

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.events.log import read_seals
from feature_repo.home import Home
from feature_repo.shop import LIMIT_VARIABLES
from feature_repo.transformations.log_slice import LogSlice
from feature_repo.transformations.merges import register_chains
from feature_repo.transformations.row_files import Database
from feature_repo.views import (
    JOIN_KEYS,
    K_BOUGHT,
    K_CLICKED,
    K_QUERY_ITEMS,
    K_SHOWN,
    LARGEST_AMOUNT,
    MINOR_UNITS,
    WINDOWS,
)

SQL = Path(__file__).parent

OF_ITEMS = ("stg_items", "stg_rankings", "stg_impressions", "stg_interactions")
"""Staging tables whose events create daily item rows; user events do not."""

_EVENTS = ("stg_items", "stg_users", "stg_rankings", "stg_impressions", "stg_interactions")
_IDENTITIES = ("stg_links", "stg_merges")
_LINKED = ("stg_attributions", "stg_linked_impressions", "stg_linked_interactions")
_FIRST_SEEN = {"stg_user_first_seen": "user", "stg_session_first_seen": "session"}
STAGING = (*_EVENTS, *_IDENTITIES, *_LINKED, *_FIRST_SEEN)

MEMORY_LIMIT = "4GB"
"""Beyond this limit DuckDB spills to the home's disk."""

ASOF_LOOP_ROWS = 0
"""DuckDB runs an as-of join as a nested loop up to this number of expected rows, and it may expect
a few where there are hundreds of thousands."""


@contextmanager
def staged(home: Home, spill: Path, log: LogSlice | None = None) -> Iterator[Database]:
    """Open a database with the staged log of a home, which spills to the folder `spill`.

    Args:
        home: whose log.
        spill: created here and removed at the end.
        log: the events to read; by default all.
    """
    log = log or LogSlice.whole(home)
    with opened(log, spill) as db:
        _stage(db, log)
        yield db


@contextmanager
def opened(log: LogSlice, spill: Path, memory_limit: str = MEMORY_LIMIT) -> Iterator[Database]:
    """Open a database with the views of a log and the values of SQL, without a staging table.

    Args:
        spill: created here and removed at the end.
    """
    spill.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute("set enable_progress_bar = false")
        db.execute(f"set memory_limit = '{memory_limit}'")
        db.execute("set temp_directory = ?", [str(spill)])
        db.execute(f"set asof_loop_join_threshold = {ASOF_LOOP_ROWS}")
        define_values(db)
        log.open(db)
        yield db
    spill.rmdir()


def define_values(db: Database) -> None:
    """Set the constants of the SQL files, and define how they read a shop's values."""
    for name, value in constants().items():
        db.execute(f"set variable {name} = ?", [value])
    db.execute((SQL / "values.sql").read_text())


def _stage(db: Database, log: LogSlice) -> None:
    instants = {"last_seal": read_seals(log.home.log / "seals").last, "since": log.since}
    for name, value in instants.items():
        db.execute(f"set variable {name} = ?", [value])
    db.execute("create temp table windows (days bigint)")
    db.executemany("insert into windows values (?)", [[days] for days in WINDOWS.values()])
    for table in (*_EVENTS, *_IDENTITIES):
        stage(db, table)
    register_chains(db)
    for table in _LINKED:
        stage(db, table)
    for table, entity in _FIRST_SEEN.items():
        stage(db, table, "stg_first_seen", key=JOIN_KEYS[entity])
    db.execute((SQL / "shoppers.sql").read_text())


def stage(db: Database, table: str, file: str | None = None, **parameters: str) -> None:
    """Create one staging table; the views of the log, the values and what it reads exist."""
    sql = (SQL / "staging" / f"{file or table}.sql").read_text()
    db.execute(f"create temp table {table} as\n{Template(sql).substitute(parameters)}")


def constants() -> dict[str, Any]:
    """Return the variables of the SQL files that never change."""
    return {
        "positive_types": list(POSITIVE_TYPES),
        "minor_units": MINOR_UNITS,
        "largest_amount": LARGEST_AMOUNT,
        "k_bought": K_BOUGHT,
        "k_clicked": K_CLICKED,
        "k_shown": K_SHOWN,
        "k_query_items": K_QUERY_ITEMS,
        **LIMIT_VARIABLES,
    }

"""The report of a day: key figures, what shoppers searched, coverage, freshness and drift."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from feature_repo.events.log import list_relations
from feature_repo.home import DAY, HOUR, Home, to_datetime, to_text
from feature_repo.transformations import LogSlice, State, opened, stage

_SQL = Path(__file__).parent / "daily.sql"
_MEMORY_LIMIT = "1GB"

_DAYS_BEFORE = 7
"""Days before the reported one that its figures are compared with."""

_LISTED = 20
"""Queries of a list."""

_LOW_CLICKS_SEARCHES = 10
"""A query with fewer searches has no click rate worth reading."""

_RISING_SEARCHES = 5
"""A query with fewer searches does not rise."""

_COUNTS = (
    "shoppers",
    "slates",
    "searches",
    "empty_searches",
    "clicked_slates",
    "impressions",
    "clicks",
    "carts",
    "orders",
    "revenue",
)

_RATES = {
    "clicked_slate_share": ("clicked_slates", "slates"),
    "zero_result_share": ("empty_searches", "searches"),
    "clicks_per_impression": ("clicks", "impressions"),
    "revenue_per_shopper": ("revenue", "shoppers"),
}
"""By name, the counts of a rate's numerator and denominator."""

_LISTS = {
    "top": "searches > 0 order by searches desc",
    "zero_results": "empty_searches > 0 order by empty_searches desc",
    "low_clicks": (
        f"searches - empty_searches >= {_LOW_CLICKS_SEARCHES} "
        "order by clicked_searches / (searches - empty_searches)"
    ),
    # Searches above the usual number, in standard deviations of a Poisson count.
    "rising": (
        f"searches >= {_RISING_SEARCHES} and searches > usual_searches "
        "order by (searches - usual_searches) / sqrt(usual_searches + 1) desc"
    ),
}
"""By list, the condition and the order of its queries."""

_DISTANCE = """
select coalesce(sum(abs(today - before)) / 2, 0)
from (
    select
        {column},
        count(*) filter (where day = $day)
        / (select count(*) from slates where day = $day and {column} is not null) as today,
        count(*) filter (where day between $day - 7 and $day - 1)
        / (select count(*) from slates where day between $day - 7 and $day - 1
            and {column} is not null) as before
    from slates
    where {column} is not null
    group by all
)
"""

_DELAYS = """
select
    quantile_cont(greatest(epoch_us(received_at) - epoch_us(event_time), 0) / 1e6, [0.5, 0.99]),
    epoch_us(max(received_at))
from {table}
where epoch_us(event_time) // 86400000000 = $day
"""

_COVERAGE = """
with

items as (
    select item_id
    from read_parquet($items, hive_partitioning := false, union_by_name := true)
    where epoch_us(seen_at) < ($day + 1) * 86400000000
    group by item_id
    having arg_max(op, (seen_at, event_id)) <> 'delete'
)

select
    count(*),
    count(*) filter (where item_id in (select item_id from stg_impressions where bucket = $day)),
    count(*) filter (
        where item_id in (select item_id from stg_interactions where bucket = $day and is_positive)
    )
from items
"""


def day_report(home: Home, now: int, day: int | None = None) -> dict[str, Any]:
    """Describe one day of the compacted log, as of the last refresh.

    Args:
        now: µs.
        day: days since 1970 UTC; by default the last complete one.
    """
    day = last_whole_day(now) if day is None else day
    log, spill = LogSlice.seen_since(home, (day - _DAYS_BEFORE) * DAY), home.root / "daily_report"
    with opened(log, spill, _MEMORY_LIMIT) as db:
        db.execute("set variable day = ?", [day])
        for table in ("stg_rankings", "stg_impressions", "stg_interactions"):
            stage(db, table)
        db.execute(_SQL.read_text(encoding="utf-8"))
        return {
            "day": _date(day),
            "days": _days(db, day),
            "markets": _markets(db, day),
            "queries": {name: _queries(db, rule) for name, rule in _LISTS.items()},
            "coverage": _coverage(db, home, day),
            "freshness": _freshness(db, home, day, now),
            "drift": {
                column: _number(db, _DISTANCE.format(column=column), day)
                for column in ("market", "surface")
            },
        }


def features_age_hours(home: Home, now: int) -> float | None:
    """Return the age of the features at an instant; None without features."""
    state = State.read(home.features)
    return None if state is None else (now - state.inputs.last_seal) / HOUR


def last_whole_day(now: int) -> int:
    """Return the last day that is complete at an instant, in days since 1970 UTC."""
    return now // DAY - 1


def _days(db: duckdb.DuckDBPyConnection, day: int) -> list[dict[str, Any]]:
    """Return the figures of the day and of the days before it, newest first; absent days are 0."""
    rows = _figures(db, "market is null", "day")
    first = day - _DAYS_BEFORE
    return [
        {"day": _date(each)} | rows.get(each, _with_rates([0] * len(_COUNTS)))
        for each in range(day, first - 1, -1)
    ]


def _markets(db: duckdb.DuckDBPyConnection, day: int) -> list[dict[str, Any]]:
    rows = _figures(db, f"market is not null and day = {day}", "market")
    return [{"market": market} | figures for market, figures in rows.items()]


def _figures(db: duckdb.DuckDBPyConnection, condition: str, key: str) -> dict[Any, dict[str, Any]]:
    sql = f"select {key}, {', '.join(_COUNTS)} from daily where {condition} order by {key}"
    return {row[0]: _with_rates(row[1:]) for row in db.execute(sql).fetchall()}


def _with_rates(counts: Sequence[float]) -> dict[str, Any]:
    figures: dict[str, Any] = dict(zip(_COUNTS, counts, strict=True))
    for name, (numerator, denominator) in _RATES.items():
        below = figures[denominator]
        figures[name] = float(figures[numerator]) / float(below) if below else None
    return figures


def _queries(db: duckdb.DuckDBPyConnection, rule: str) -> list[dict[str, Any]]:
    columns = (
        "query",
        "market",
        "searches",
        "empty_searches",
        "clicked_searches",
        "usual_searches",
    )
    rows = db.execute(
        f"select {', '.join(columns)} from queries where {rule}, searches desc, market, query_key "
        f"limit {_LISTED}"
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _coverage(db: duckdb.DuckDBPyConnection, home: Home, day: int) -> dict[str, Any] | None:
    """Return how many items of the shop were shown and clicked; None if it sends no items."""
    files = [str(path) for path in list_relations(home.log / "compacted", "item")]
    if not files:
        return None
    items, shown, clicked = db.execute(_COVERAGE, {"items": files, "day": day}).fetchall()[0]
    return {"items": items, "shown": shown, "clicked": clicked}


def _freshness(db: duckdb.DuckDBPyConnection, home: Home, day: int, now: int) -> dict[str, Any]:
    """Return the delays of the day's events, in seconds, and the age of the features, in hours."""
    delays: dict[str, Any] = {}
    for kind in ("ranking", "interaction"):
        sql = _DELAYS.format(table=f"log_{kind}")
        quantiles, last = db.execute(sql, {"day": day}).fetchall()[0]
        median, late = quantiles or (None, None)
        delays[kind] = {
            "median_seconds": median,
            "p99_seconds": late,
            "last_received_at": None if last is None else to_text(last),
        }
    return {"delays": delays, "features_age_hours": features_age_hours(home, now)}


def _number(db: duckdb.DuckDBPyConnection, sql: str, day: int) -> float:
    return float(db.execute(sql, {"day": day}).fetchall()[0][0])


def _date(day: int) -> str:
    return to_datetime(day * DAY).strftime("%Y-%m-%d")

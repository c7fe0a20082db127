"""The newest rows of a view's entities: which values are missing, and how one field is distributed.

A counted view also has rows of instants to come, at which counts leave their windows; the newest
row is the last one that a request of now may read.  The rows of a file are in the order of their
keys.  Of a view with many rows only some ranges of keys are read, evenly spaced; Parquet's
statistics say where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import Home, to_datetime
from feature_repo.offline.parquet import column_bounds, count_rows
from feature_repo.views import FieldSpec, ViewSpec
from pipelines.inspection.database import quoted_column, reading

_MOST_ROWS = 400_000
"""Rows of a view up to which all are read; of a larger view about as many are read."""

_SAMPLE = 20_000
"""Entities that a distribution is drawn from at most."""


@dataclass(frozen=True)
class NullShares:
    """The shares of entities whose newest row has no value, by field; empty without rows."""

    entities: int
    shares: dict[str, float]


def null_shares(home: Home, spec: ViewSpec, fields: Sequence[FieldSpec], now: int) -> NullShares:
    """Return the share of newest rows without a value, by field."""
    counts = ", ".join(f"count({quoted_column(field.name)})" for field in fields)
    result = _newest_rows(home, spec, now, f"select count(*), {counts} from newest")
    if not result or not result[0][0]:
        return NullShares(0, {})
    rows, *present = result[0]
    shares = {field.name: 1 - count / rows for field, count in zip(fields, present, strict=True)}
    return NullShares(rows, shares)


def newest_values(home: Home, spec: ViewSpec, field: str, now: int) -> list[float]:
    """Return the newest values of a field with numbers, NaN where missing."""
    sql = f"select cast({quoted_column(field)} as double) from newest using sample {_SAMPLE}"
    rows = _newest_rows(home, spec, now, sql)
    return [float("nan") if value is None else value for (value,) in rows]


def _newest_rows(home: Home, spec: ViewSpec, now: int, select: str) -> list[tuple[Any, ...]]:
    """Return what a query selects from the newest row of each entity; empty without files."""
    paths = sorted((home.features / spec.name).glob("*.parquet"))
    if not paths:
        return []
    rows = " union all by name ".join(
        "from read_parquet($paths, union_by_name := true) "
        f"where event_timestamp <= $now and {condition}"
        for condition in _conditions(paths, spec.key)
    )
    with reading() as database:
        return database.execute(
            f"with newest as (from ({rows}) qualify row_number() over "
            f"(partition by {spec.key} order by event_timestamp desc) = 1) {select}",
            {"paths": [str(path) for path in paths], "now": to_datetime(now)},
        ).fetchall()


def _conditions(paths: Sequence[Path], key: str) -> list[str]:
    """Return the SQL condition of each range of keys to read; without a limit there is one."""
    rows = count_rows(paths)
    groups = column_bounds(max(paths, key=lambda path: path.stat().st_size), key)
    number = len(groups) * _MOST_ROWS // max(rows, 1)
    if number >= len(groups) or any(group.low is None for group in groups):
        return ["true"]
    step = len(groups) / max(number, 1)
    chosen = [groups[int((n + 0.5) * step)] for n in range(max(number, 1))]
    return [f"{key} between {_text(group.low)} and {_text(group.high)}" for group in chosen]


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"

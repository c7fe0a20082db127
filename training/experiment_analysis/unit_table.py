"""The units of an experiment in a database that spills to disk, and their sums.

A unit row never reaches Python: DuckDB joins the log and sums it by variant, segment and day.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from feature_repo.home import DAY, Home
from feature_repo.transformations import LogSlice, open_served, opened, stage
from training.experiment_analysis.metrics import COLUMNS, Metric
from training.experiment_analysis.moments import UNITS, Moments

BEFORE_DAYS = 28
"""Days before a unit's first exposure whose events are its covariates."""

MEMORY_LIMIT = "1GB"
_SQL = Path(__file__).parent / "units.sql"

_TREATED = """
create temp table treated as
select
    request_id,
    json_extract_string(experiments, $path || '[0]') as variant,
    json_extract_string(experiments, $path || '[1]') as unit_kind,
    case when unit_kind = 'user' then user_id else session_id end as unit_id,
    epoch_us(event_time) as exposed_at,
    market,
    query is not null as is_search,
    len(items) = 0 as is_empty,
    len(degraded) > 0 as is_degraded,
    took_ms,
    coalesce(device, '') as device
from log_served
where json_exists(experiments, $path)
    and unit_id is not null
    and epoch_us(event_time) >= coalesce($start, 0)
    and ($until is null or epoch_us(event_time) < $until)
qualify row_number() over (partition by request_id order by seen_at desc, event_id) = 1
"""

_EVERY_RANKING = """
create temp table treated as
select
    request_id,
    'all' as variant,
    $unit_kind as unit_kind,
    case when $unit_kind = 'user' then user_id else session_id end as unit_id,
    epoch_us(event_time) as exposed_at,
    market,
    query is not null as is_search,
    len(items) = 0 as is_empty,
    false as is_degraded,
    null::double as took_ms,
    '' as device
from log_ranking
where unit_id is not null and epoch_us(event_time) >= $start and epoch_us(event_time) < $until
qualify row_number() over (partition by request_id order by seen_at, event_id) = 1
"""

_TRIGGERED = """
select
    count(distinct case when unit_kind = 'user' then user_id else session_id end)
from log_served
cross join (select distinct unit_kind from treated)
where epoch_us(event_time) >= coalesce($start, (select min(exposed_at) from treated))
    and ($until is null or epoch_us(event_time) < $until)
"""


@dataclass(frozen=True)
class Exposures:
    """Which answers of the log treated a unit.

    Attributes:
        experiment: name; None takes every ranking of `unit_kind` as treated, with variant `all`.
        start, until: instants, µs; the end is excluded.  None is the log's first or last.
    """

    experiment: str | None = None
    unit_kind: str = "user"
    start: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Groups:
    """Sums of groups of units.

    Attributes:
        keys: of each of N groups, in the order of the moments' first axis.
        moments: leading shape (N,).
    """

    keys: tuple[tuple[str, ...], ...]
    moments: Moments

    def where(self, parts: Mapping[int, str]) -> Moments:
        """Return the sum of the groups whose key has the given values at the given positions."""
        rows = [
            n
            for n, key in enumerate(self.keys)
            if all(key[position] == value for position, value in parts.items())
        ]
        return self.moments.at(rows).total()


class UnitTable:
    """The open unit table of an experiment."""

    def __init__(self, db: duckdb.DuckDBPyConnection, exposures: Exposures) -> None:
        self._db = db
        self._exposures = exposures

    @classmethod
    @contextmanager
    def open(cls, home: Home, exposures: Exposures) -> Iterator["UnitTable"]:
        """Join the log of a home; the database spills to the home's disk."""
        start, spill = exposures.start or 0, home.root / "experiment_report"
        log = LogSlice.seen_since(home, start - BEFORE_DAYS * DAY)
        with opened(log, spill, MEMORY_LIMIT) as db:
            db.execute("set variable until = ?", [exposures.until])
            db.execute("set variable before = ?", [BEFORE_DAYS * DAY])
            for table in ("stg_rankings", "stg_interactions"):
                stage(db, table)
            open_served(db, home, start)
            _find_treated(db, exposures)
            db.execute(_SQL.read_text(encoding="utf-8"))
            yield cls(db, exposures)

    def groups(self) -> Groups:
        """Return the sums by variant, market, `cold` or `warm`, and device, empty where unknown."""
        keys = ("variant", "market", "case when is_warm then 'warm' else 'cold' end", "device")
        return self._sums("unit_rows", keys, COLUMNS)

    def days(self, metric: Metric) -> Groups:
        """Return the sums by variant and day of units with an exposure on that day.

        The day is written as YYYY-MM-DD; there are no covariates.
        """
        columns = [name for name in (metric.numerator, metric.denominator) if name != UNITS]
        source = (
            "unit_days inner join first_exposures using (unit_kind, unit_id) where exposures > 0"
        )
        day = f"strftime(make_timestamp(day * {DAY}), '%Y-%m-%d')"
        return self._sums(source, ("variant", day), columns)

    def switched(self) -> int:
        """Return the number of units that saw more than one variant."""
        return self._number("select count(*) from first_exposures where has_switched")

    def served_units(self) -> int:
        """Return the number of units of any answer in the time of the experiment."""
        span = {"start": self._exposures.start, "until": self._exposures.until}
        return self._number(_TRIGGERED, span)

    def new_units(self) -> list[tuple[int, int]]:
        """Return each day, since 1970, and the number of units first exposed on it."""
        return self._db.execute(
            f"select exposed_at // {DAY}, count(*) from first_exposures group by all order by all"
        ).fetchall()

    def exposed(self) -> tuple[int, int] | None:
        """Return the instants of the first and the last exposure, µs."""
        first, last = self._db.execute(
            "select min(exposed_at), max(exposed_at) from treated"
        ).fetchall()[0]
        return None if first is None else (first, last)

    def _number(self, sql: str, parameters: dict[str, int | None] | None = None) -> int:
        return int(self._db.execute(sql, parameters or {}).fetchall()[0][0])

    def _sums(self, source: str, keys: Sequence[str], columns: Sequence[str]) -> Groups:
        """Sum columns and products of columns of a relation by group, ordered by key."""
        names = (UNITS, *columns)
        values = ("1::double", *columns)
        pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
        sums = [f"sum({values[i]} * {values[j]})" for i, j in pairs]
        rows = self._db.execute(
            f"select {', '.join([*keys, *sums])} from {source} group by all order by all"
        ).fetchall()
        products = np.zeros((len(rows), len(names), len(names)))
        for n, row in enumerate(rows):
            for (i, j), value in zip(pairs, row[len(keys) :], strict=True):
                products[n, i, j] = products[n, j, i] = value
        return Groups(
            tuple(tuple(map(str, row[: len(keys)])) for row in rows),
            Moments(names, products[:, 0, :].copy(), products),
        )


def _find_treated(db: duckdb.DuckDBPyConnection, exposures: Exposures) -> None:
    span = {"start": exposures.start, "until": exposures.until}
    if exposures.experiment is None:
        db.execute(_EVERY_RANKING, {**span, "unit_kind": exposures.unit_kind})
    else:
        db.execute(_TREATED, {**span, "path": f'$."{exposures.experiment}"'})

"""Wins of an interleaving: whose items the clicks of each unit credit, summed by DuckDB."""

from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import Home
from feature_repo.transformations import LogSlice, open_served, opened, stage
from training.experiment_analysis.unit_table import MEMORY_LIMIT
from training.experiments import Experiment

_SQL = Path(__file__).parent / "wins.sql"

_WINS = """
select
    {keys},
    count(*) as units,
    count(*) filter (where candidate > control) as wins,
    count(*) filter (where candidate < control) as losses,
    sum(exposures)::bigint as exposures,
    sum(clicks)::bigint as clicks,
    sum(control)::bigint as control_clicks,
    sum(candidate)::bigint as candidate_clicks
from win_units
group by all
order by all
"""
_EXPOSED = "select min(first_exposed_at), max(last_exposed_at) from win_units"
_FIRST = """
select
    count(*) filter (where first_team = getvariable('control')),
    count(*) filter (where first_team = getvariable('candidate'))
from drafts
"""


@dataclass(frozen=True)
class Wins:
    """What the units of an interleaving preferred.

    Attributes:
        total: units, wins, losses, exposures, and clicks: all, and those that credit a variant.
        by_market, by_day: the same of parts; a unit belongs to the day of its first exposure.
        first: pages whose first position with a variant went to the control, and to the candidate.
        exposed: instants of the first and the last exposure, µs; None without one.
    """

    total: dict[str, int]
    by_market: dict[str, dict[str, int]]
    by_day: dict[str, dict[str, int]]
    first: tuple[int, int]
    exposed: tuple[int, int] | None

    @classmethod
    def of_log(cls, home: Home, experiment: Experiment) -> "Wins":
        """Sum the log of a home; the database spills to the home's disk."""
        control, candidate = experiment.variants
        occasion, spill = experiment.occasion, home.root / "experiment_report"
        variables = {
            "path": f'$."{experiment.name}"',
            "control": control.name,
            "candidate": candidate.name,
            "start": occasion.start,
            "until": occasion.end,
        }
        log = LogSlice.seen_since(home, occasion.start or 0)
        with opened(log, spill, MEMORY_LIMIT) as db:
            for name, value in variables.items():
                db.execute(f"set variable {name} = ?", [value])
            for table in ("stg_rankings", "stg_interactions"):
                stage(db, table)
            open_served(db, home, occasion.start or 0)
            db.execute(_SQL.read_text(encoding="utf-8"))

            def parts(key: str) -> dict[str, dict[str, int]]:
                relation = db.sql(_WINS.format(keys=f"{key} as key"))
                rows = [
                    dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()
                ]
                return {str(row.pop("key")): row for row in rows}

            first_at, last_at = db.sql(_EXPOSED).fetchall()[0]
            return cls(
                total=parts("'all'").get("all", dict.fromkeys(_COLUMNS, 0)),
                by_market=parts("market"),
                by_day=parts("strftime(make_timestamp(day * 86400000000), '%Y-%m-%d')"),
                first=db.sql(_FIRST).fetchall()[0],
                exposed=None if first_at is None else (first_at, last_at),
            )


_COLUMNS = (
    "units",
    "wins",
    "losses",
    "exposures",
    "clicks",
    "control_clicks",
    "candidate_clicks",
)

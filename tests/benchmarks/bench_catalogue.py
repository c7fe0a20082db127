"""Build the whole catalogue from the log of a simulated shop: rows a second and memory by log size.

Impressions, interactions and item events each count as a row of the log.  The result is checked
first: plain SQL over the log must give the impressions, clicks and revenue of the newest rows.
Each size runs in a separate process, on two threads.

A log grows with the shop (more users look at more items over the same days) and with time.  In the
first month, costs grow faster than the rows: no event leaves a 30-day window yet, and the lists of
recent items, which every row of a user contains in full, are still growing.

python -m tests.benchmarks catalogue; AISLE_ROWS=1000000,5000000 sets the sizes
"""

import json
import os
import subprocess
import sys

import duckdb

_SIZES = "1000000,5000000,10000000"
SIZES = tuple(int(rows) for rows in os.environ.get("AISLE_ROWS", _SIZES).split(","))
DAYS = 28
"""Days of every shop.  The second size is also measured after fewer days, when its log is as long
as the first size's."""

ROWS_A_DAY, USERS_PER_ITEM = 9, 4
"""Approximate log rows of a user a day in these shops; the result reports the true number."""

_BUILD = """
import json, sys, tempfile, time
from pathlib import Path
import duckdb
from feature_repo.home.clock import Clock
from feature_repo.home.settings import Settings
from feature_repo.events.ingest.ingest import ingest
from feature_repo.home.home import Home
from feature_repo.transformations.run import transform
from tests.benchmarks.bench_catalogue import counted, rows_of
from tests.benchmarks.measuring import process_peak_mb
from training.studies.simulation import ShopConfig, simulate

days, users, items = map(int, sys.argv[1:])
with tempfile.TemporaryDirectory() as folder:
    home, out = Home(Path(folder) / "home"), Path(folder) / "shop"
    simulate(out, days=days, config=ShopConfig(users=users, items=items))
    clock = Clock.of(Settings(home=home, clock="2027-01-01T00:00:00Z"))
    ingest([out], home=home, clock=clock)
    rows = rows_of(home)
    Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.perf_counter(), time.process_time()
    report = transform(home, clock.now())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = process_peak_mb()
    by_rows, by_log = counted(home)
    assert by_rows == by_log, (by_rows, by_log)
    print(json.dumps({
        "days": days, "users": users, "items": items, "log_rows": rows,
        "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1),
        "rows_per_second": round(rows / wall), "rows_per_cpu_second": round(rows / cpu),
        "peak_mb": round(peak), "feature_rows": sum(v.rows for v in report.views.values()),
        "views": {name: v.seconds for name, v in report.views.items()},
    }))
"""


def main() -> dict[str, object]:
    """Return costs by size and their growth with shop and time: 1 is linear, more is worse."""
    shops = [_built(rows, DAYS) for rows in SIZES]
    young = _built(SIZES[1], max(round(DAYS * SIZES[0] / SIZES[1]), 1))
    growth = {"with the shop": _growth(shops[0], shops[-1]), "with time": _growth(young, shops[1])}
    return {"shops": shops, "young": young, "growth": growth}


def _growth(first, last):
    """Return the ratio of the row counts, and of each cost per row."""
    longer = last["log_rows"] / first["log_rows"]
    costs = ("seconds", "cpu_seconds")
    grown = {cost: round(last[cost] / first[cost] / longer, 2) for cost in costs}
    return {"rows": round(longer, 2), **grown}


def rows_of(home):
    """Count the rows of the compacted log: impressions, interactions and item events."""

    def number(kind, what):
        files = f"{home.log}/compacted/{kind}/*/*.parquet"
        return duckdb.sql(f"select {what} from read_parquet('{files}')").fetchall()[0][0]

    return int(
        number("ranking", "sum(len(items))")
        + number("interaction", "count(*)")
        + number("item", "count(*)")
    )


def counted(home):
    """Sum impressions, clicks and revenue of all time, by the items' newest rows and by the log."""
    newest = duckdb.sql(f"""
        select sum(impressions_all), sum(clicks_all), sum(revenue_all)
        from (
            select * from read_parquet('{home.features}/item_engagement/*.parquet')
            qualify row_number() over (partition by item_id order by event_timestamp desc) = 1
        )
    """).fetchall()[0]
    log = f"{home.log}/compacted"
    logged = duckdb.sql(f"""
        select
            (select sum(len(items)) from read_parquet('{log}/ranking/*/*.parquet')),
            sum(if(type in ('click', 'add_to_cart', 'purchase'), sign, 0)),
            sum(if(type = 'purchase', sign * round_even(coalesce(value, 0) * 100, 0), 0))::bigint
        from (
            select *, if(corrects is null, 1, -1) as sign
            from read_parquet('{log}/interaction/*/*.parquet')
        )
    """).fetchall()[0]
    return newest, logged


def _built(rows, days):
    """Return the costs, after `days`, of a shop sized to have `rows` rows after `DAYS`."""
    users = max(round(rows / DAYS / ROWS_A_DAY), 10)
    command = [sys.executable, "-c", _BUILD, *map(str, (days, users, users // USERS_PER_ITEM))]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return json.loads(subprocess.check_output(command, env=environment))

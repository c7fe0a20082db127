"""The whole catalogue from the log of a simulated shop: rows a second, and memory, as logs grow.

An impression is a row of the log, as an interaction and an item event are.  What is built is first
found right: impressions, clicks and revenue of the newest rows are those that plain SQL counts in
the log.  Each size is a process of its own, on two threads; the larger logs hold more days of the
same shop.

python -m tests.benchmarks catalogue; AISLE_ROWS=1000000,5000000 says for which sizes
"""

import json
import os
import subprocess
import sys

import duckdb

SIZES = tuple(int(rows) for rows in os.environ.get("AISLE_ROWS", "1000000,5000000").split(","))
USERS, ITEMS = 20_000, 5_000
ROWS_A_DAY = 180_000
"""About as many as this shop has; each size tells its own."""

_BUILD = """
import json, sys, tempfile, time
from pathlib import Path
import duckdb
from feature_repo.clock import Clock
from feature_repo.config import Settings
from feature_repo.events.ingest import ingest
from feature_repo.home import Home
from feature_repo.transformations.run import transform
from tests.benchmarks.bench_catalogue import counted, rows_of
from tests.benchmarks.measuring import process_peak_mb
from training.simulation.configuration import ShopConfig
from training.simulator import simulate

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
        "days": days, "log_rows": rows, "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1),
        "rows_per_second": round(rows / wall), "rows_per_cpu_second": round(rows / cpu),
        "peak_mb": round(peak), "feature_rows": sum(v.rows for v in report.views.values()),
        "views": {name: v.seconds for name, v in report.views.items()},
    }))
"""


def main() -> dict[str, object]:
    """Costs by size, and how they grow: 1 is linear, more is worse."""
    built = [_built(max(round(rows / ROWS_A_DAY), 1)) for rows in SIZES]
    first, last = built[0], built[-1]
    longer = last["log_rows"] / first["log_rows"]
    growth = {
        name: round(last[name] / first[name] / longer, 2) for name in ("seconds", "cpu_seconds")
    }
    return {"users": USERS, "items": ITEMS, "sizes": built, "longer": longer, "growth": growth}


def rows_of(home):
    """Rows of the compacted log: impressions, interactions and item events."""

    def number(kind, what):
        files = f"{home.log}/compacted/{kind}/*/*.parquet"
        return duckdb.sql(f"select {what} from read_parquet('{files}')").fetchall()[0][0]

    return int(
        number("ranking", "sum(len(items))")
        + number("interaction", "count(*)")
        + number("item", "count(*)")
    )


def counted(home):
    """Impressions, clicks and revenue of all time: of the items' newest rows, and of the log."""
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


def _built(days):
    command = [sys.executable, "-c", _BUILD, str(days), str(USERS), str(ITEMS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return json.loads(subprocess.check_output(command, env=environment))

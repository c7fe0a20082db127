"""Ingest a file of simulated events of all kinds, against decoding its lines and nothing more.

The file is read plain and gzipped, into a new home each time, with repeated events in it.  Both
files must give the same log, in which every event of the file occurs once.  The yardstick is
`json.loads` of each line.  CPU seconds are those of all threads of the process.

python -m tests.benchmarks ingest; AISLE_ROWS=500000 sets the approximate number of events
"""

import gzip
import json
import os
import tempfile
import time
from pathlib import Path

import duckdb

from feature_repo.events.ingest import infer_shop, ingest, shop_to_toml
from feature_repo.home import Clock, Home, Settings
from training.studies.simulation import ShopConfig, simulate
from training.studies.simulation.configuration import Breakage

EVENTS = int(os.environ.get("AISLE_ROWS", "400000"))
DAYS = 21
EVENTS_A_USER = 70
"""Approximate events of a user in as many days."""


def main() -> dict[str, object]:
    """Return events, and events a CPU second of each file and of the yardstick."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "events.jsonl"
        users = EVENTS // EVENTS_A_USER
        config = ShopConfig(users=users, items=users // 2, breakage=Breakage(duplicated=0.02))
        simulate(plain, days=DAYS, config=config)
        packed = plain.with_suffix(".jsonl.gz")
        packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
        files = {"plain": plain, "gzip": packed}
        homes = {name: _home(Path(folder) / name, plain) for name in files}
        decoded, decoding = _decoded(plain)
        costs = {name: _ingested(file, homes[name], decoded) for name, file in files.items()}
        assert _logged(homes["plain"]) == _logged(homes["gzip"])
    return {
        "events": decoded,
        "events_per_cpu_second": {
            **{name: round(decoded / cost) for name, cost in costs.items()},
            "json.loads": round(decoded / decoding),
        },
        "cpu_ratio": {name: round(cost / decoding, 2) for name, cost in costs.items()},
    }


def _home(folder: Path, events: Path) -> Home:
    home = Home(folder)
    folder.mkdir()
    home.shop_toml.write_text(shop_to_toml(*infer_shop([events])))
    return home


def _decoded(path: Path) -> tuple[int, float]:
    """Return the number of lines of a file, and the CPU seconds of decoding them."""
    started = time.process_time()
    with path.open("rb") as file:
        number = sum(json.loads(line) is not None for line in file)
    return number, time.process_time() - started


def _ingested(path: Path, home: Home, events: int) -> float:
    """Ingest a file and return the CPU seconds."""
    clock = Clock.of(Settings(home=home, clock="2027-01-01T00:00:00Z"))
    started = time.process_time()
    report = ingest([path], home=home, clock=clock)
    cpu = time.process_time() - started
    assert report.read == events == report.accepted + report.duplicate, report.to_dict()
    assert report.accepted == sum(count for _, count, _ in _logged(home))
    return cpu


def _logged(home: Home) -> list[tuple[str, int, int]]:
    """Return the number of events and of their ids, by kind."""
    return duckdb.sql(f"""
        select split_part(filename, '/', -3) as kind, count(*), count(distinct event_id)
        from read_parquet('{home.log}/compacted/*/*/*.parquet', union_by_name = true,
                          filename = true)
        group by all order by all
    """).fetchall()

"""Measure the service under faults and attacks, and write `docs/reliability.md`.

python -m tests.benchmarks faults [FAULT ...]

The faults are declared in `tests/benchmarks/faults`.  A small shop with a large ranker is the
service that they hit.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.online.redis import running_redis
from tests.benchmarks.faults.fault import Fault, Measured
from tests.benchmarks.faults.page import PAGE, record
from tests.benchmarks.faults.registry import FAULTS
from tests.benchmarks.measuring import pace
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service

SHOP = {"users": 60, "items": 1000, "days": 4}
TREES, DEPTH = 300, 6


def main(*names: str) -> dict[str, object]:
    """Measure the faults of these names, or all; return by fault what was measured."""
    chosen = [fault for fault in FAULTS if not names or fault.name in names]
    if unknown := {*names} - {fault.name for fault in chosen}:
        available = ", ".join(fault.name for fault in FAULTS)
        raise SystemExit(f"No fault {', '.join(sorted(unknown))}; expected some of: {available}.")
    with tempfile.TemporaryDirectory() as folder:
        settings = build_home(Path(folder) / "home", **SHOP)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        with running_redis(settings), run_service(settings) as service:
            results = {fault.name: _result(fault, service) for fault in chosen}
    record(results)
    return {"pace_of_the_machine": pace(), "page": PAGE.name, "faults": results}


def _result(fault: Fault, service: Service) -> dict[str, object]:
    sys.stderr.write(f"{fault.name}: {fault.done}\n")
    measured: Measured = fault.measure(service)
    return {"held": measured.held, "text": measured.text, "date": f"{datetime.now(UTC):%Y-%m-%d}"}

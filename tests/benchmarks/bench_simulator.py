"""Compare one simulated day, vectorized over blocks of visits, with a plain loop over slates.

It also streams a whole shop to Parquet and reports impressions a CPU second, and the peak memory
by number of days.

python -m tests.benchmarks simulator
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from statistics import median
from time import process_time

import numpy as np

from tests.benchmarks.plain_shop import PlainShop
from training.metrics import stream
from training.studies.simulation import CLICK_MODELS, Pools, Shop, ShopConfig, Slates
from training.studies.simulation.policies import HOME_POOLS
from training.studies.simulation.visits import answer_requests, draw_requests

VISITS, RUNS = 2048, 3
COLUMNS = (
    "item",
    "propensity",
    "attraction",
    "examination",
    "examined",
    "clicked",
    "dwell",
    "carted",
    "ordered",
    "returned",
)
"""Columns of the plain loop's rows, in order."""
STREAMED_USERS, STREAMED_ITEMS, STREAMED_DAYS = 50_000, 5_000, (1, 3, 9)

_STREAM = """
import json, resource, sys, tempfile, time
from pathlib import Path
import pyarrow.parquet as pq
from training.studies.simulation import ShopConfig, simulate, truth_path
users, items, days = map(int, sys.argv[1:])
with tempfile.TemporaryDirectory() as folder:
    began = time.process_time()
    out = simulate(Path(folder) / "shop", days=days, config=ShopConfig(users=users, items=items))
    seconds = time.process_time() - began
    rows = sum(pq.read_metadata(path).num_rows for path in truth_path(out).iterdir())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"days": days, "impressions": rows, "cpu_seconds": round(seconds, 2),
                  "impressions_per_cpu_second": round(rows / seconds), "peak_mb": round(peak)}))
"""


def main() -> dict[str, object]:
    """Return medians of CPU seconds, after the two agree, and throughput and memory by size."""
    for model, trust in product(CLICK_MODELS, (0.0, 0.2)):
        check(ShopConfig(users=500, items=900, click_model=model, bias=1.0, trust=trust), 100)
    config = ShopConfig(users=5_000, items=2_000)
    check(config, 500)
    times = [measured(config) for _ in range(RUNS)]
    fast, slow = (median(column) for column in zip(*times, strict=True))
    sizes = [streamed(days) for days in STREAMED_DAYS]
    return {
        "what": f"{VISITS} visits to a shop of {config.items} items",
        "arrays_cpu_seconds": fast,
        "plain_loop_cpu_seconds": slow,
        "ratio": slow / fast,
        "streamed_to_parquet": sizes,
        "days_growth": STREAMED_DAYS[-1] / STREAMED_DAYS[0],
        "peak_memory_growth": sizes[-1]["peak_mb"] / sizes[0]["peak_mb"],
    }


def check(config: ShopConfig, visits: int) -> None:
    """Assert that both implementations give the same slates and the same interactions."""
    slates, rows = (way(config, visits)() for way in (by_arrays, by_loop))
    for name, expected in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        value = getattr(slates, name)
        if value.dtype == float:
            np.testing.assert_allclose(value, expected, rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(value, expected, name)


def measured(config: ShopConfig) -> tuple[float, float]:
    """Return the CPU seconds of both, from requests to interactions."""
    times = []
    for way in (by_arrays, by_loop):
        run = way(config, VISITS)
        began = process_time()
        run()
        times.append(process_time() - began)
    return times[0], times[1]


def by_arrays(config: ShopConfig, visits: int) -> Callable[[], Slates]:
    day, pools, rng, requests = block(config, visits)
    return partial(answer_requests, day, pools, rng, requests)


def by_loop(config: ShopConfig, visits: int) -> Callable[[], list[list[object]]]:
    day, _, rng, requests = block(config, visits)
    return partial(PlainShop(day).answered, rng, requests, len(day.intents) + HOME_POOLS)


def block(config: ShopConfig, visits: int):
    day = Shop.draw(config, 4).day(3)
    pools, rng = Pools(day), stream(config.seed, "visits", 3, 0)
    return day, pools, rng, draw_requests(day, pools, rng, np.arange(visits), visits)


def streamed(days: int) -> dict[str, float]:
    """Simulate one shop in a separate process, so that its peak memory is measured alone."""
    size = [str(n) for n in (STREAMED_USERS, STREAMED_ITEMS, days)]
    done = subprocess.run(
        [sys.executable, "-c", _STREAM, *size], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)

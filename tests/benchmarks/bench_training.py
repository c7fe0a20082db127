"""Train 100 trees on dataset files of 1M and 10M rows × 80 features in 4 GiB of address space.

python -m tests.benchmarks training

Each run is a separate process; the system ends a process that exceeds the limit.  Training from a
matrix in memory runs at the smaller size only, and must give the same trees there.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from feature_repo.request_features.context import RatePrior
from feature_repo.views import RANKING_SERVICE
from training.dataset import Dataset, Facts, LazyDataset
from training.dataset.format import write_dataset
from training.ranker import grow, quantize
from training.ranker.configuration import GRID
from training.ranker.quantized import MOST_BYTES as MOST_IN_MEMORY

SMALL, LARGE = 1_000_000, 10_000_000
FEATURES, ITEMS, TREES = 80, 25, 100
NEVER_MISSING, MISSING = 20, 0.3
ROWS_A_GROUP = 50_000
MOST_BYTES = 4 << 30
IN_MEMORY, FROM_FILE = "in_memory", "from_file"


def main() -> dict[str, object]:
    """Return peak memory and CPU of each run, after both ways gave the same trees."""
    with TemporaryDirectory() as folder:
        runs = {}
        for rows, ways in ((SMALL, (IN_MEMORY, FROM_FILE)), (LARGE, (FROM_FILE,))):
            path = Path(folder) / f"{rows}.parquet"
            _apart("write", path, str(rows))
            runs |= {f"{way}_{rows}": {"rows": rows, **_apart(way, path)} for way in ways}
            path.unlink()
    in_memory, small, large = (
        runs[name]
        for name in (f"{IN_MEMORY}_{SMALL}", f"{FROM_FILE}_{SMALL}", f"{FROM_FILE}_{LARGE}")
    )
    assert in_memory["trees"] == small["trees"]
    return {
        "what": f"{TREES} trees of {FEATURES} features, {MISSING:.0%} of most missing",
        "limit_bytes": MOST_BYTES,
        "runs": runs,
        "ratio": in_memory["peak_bytes"] / small["peak_bytes"],
        "peak_growth": large["peak_bytes"] / small["peak_bytes"],
        "cpu_growth": large["cpu_seconds"] / small["cpu_seconds"],
    }


def _apart(*words: str | Path) -> dict:
    """Run `_child` in a separate process."""
    command = [sys.executable, "-m", __spec__.name, *map(str, words)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _write(path: Path, rows: int) -> None:
    """Write slates with a learnable gain; features have few enough values for exact bins."""
    names = tuple(f"feature_{n:02d}" for n in range(FEATURES))
    qid = np.arange(rows) // ITEMS
    first = next(_matrices(ROWS_A_GROUP))
    gain = np.tile(_gain(first), rows // ROWS_A_GROUP)
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["train"]))
    texts = dict.fromkeys(("request_id", "user_id", "query_key", "market", "item_id"), text)
    numbers = {"qid": qid, "position": np.arange(rows) % ITEMS + 1, "t": qid, "gain": gain}
    keys = pa.table({**texts, **numbers, "split": text.cast(pa.string())})
    write_dataset(path, Facts(names, RatePrior(), RANKING_SERVICE, 1, {}), keys, _matrices(rows))


def _matrices(rows: int) -> Iterator[np.ndarray]:
    for start in range(0, rows, ROWS_A_GROUP):
        noise = np.random.default_rng(start)
        matrix = noise.integers(200, size=(ROWS_A_GROUP, FEATURES), dtype=np.uint8)
        matrix = matrix.astype(np.float32)
        # The two features behind the gain repeat in each group, so one array of gains fits all.
        matrix[:, :2] = np.random.default_rng(0).integers(200, size=(ROWS_A_GROUP, 2))
        missing = noise.random((ROWS_A_GROUP, FEATURES - NEVER_MISSING), np.float32) < MISSING
        matrix[:, NEVER_MISSING:][missing] = np.nan
        yield matrix


def _gain(matrix: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=40, size=matrix.shape[0])
    return (matrix[:, 0] + matrix[:, 1] + noise > 320).astype(np.float32)


def _fit(data: Dataset, most_bytes: int) -> dict[str, object]:
    """Run the steps of `aisle train` whose cost grows with the rows."""
    rows, columns = quantize(data, most_bytes=most_bytes), data.facts.columns
    booster = grow(GRID[1].ranking_parameters(columns), rows, TREES, columns)
    trees = sha256("".join(booster.get_dump()).encode()).hexdigest()
    # The kernel reports the peak resident memory in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"trees": trees, "bins": type(rows).__name__, "peak_bytes": peak}


def _child(way: str, path: Path, rows: str = "0") -> dict[str, object]:
    if way == "write":
        _write(path, int(rows))
        return {"bytes": path.stat().st_size}
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    started = time.perf_counter()
    in_memory = way == IN_MEMORY
    data = Dataset.load(path) if in_memory else LazyDataset.open(path)
    return {
        **_fit(data, sys.maxsize if in_memory else MOST_IN_MEMORY),
        "bytes_of_file": path.stat().st_size,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": sum(os.times()[:2]),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_child(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])))

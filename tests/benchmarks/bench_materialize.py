"""Compare loading 20 features of many entities online with stock Feast's engine.

Stock has DuckDB, Redis and its local engine, and writes in batches of 10,000 so that its memory
does not grow.  Each load runs in a separate process against one empty server, and both must load
the same values.  Aisle's figure is the median of three loads; stock's loads take minutes, so it
runs once at sizes above a tenth of the largest.  The CPU time of the server is reported separately.

python -m tests.benchmarks materialize
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from redis import Redis

from feature_repo.home import DAY, Home, Settings
from feature_repo.online.redis import RedisAddress, redis_client, running_redis
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.measuring import process_peak_mb
from tests.benchmarks.plot import draw
from tests.redis_addresses import connection_string

SIZES = (10_000, 50_000, 200_000)
FEATURES, RUNS, COMPARED = 20, 3, 300
STARTED, ENDED = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
Options = dict[str, dict[str, object]]

STOCK: Options = {
    "online_store": {"type": "redis"},
    "offline_store": {"type": "duckdb"},
    "materialization": {"online_write_batch_size": 10_000},
}
AISLE: Options = {
    "online_store": {"type": "feature_repo.online.feast.store.AisleOnlineStore"},
    "offline_store": {"type": "feature_repo.offline.feast.store.AisleOfflineStore"},
    "batch_engine": {"type": "feature_repo.online.feast.engine.AisleEngine"},
}


def main() -> dict[str, object]:
    """Return medians at each size: rows a second, rows a CPU second, and memory."""
    sizes = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_redis(Settings(home=Home(folder / "home"))) as address:
            for rows in SIZES:
                sizes[str(rows)] = _at(folder, address, rows)
    _draw(sizes)
    return {"what": f"load {FEATURES} features of N entities", "sizes": sizes}


def load(folder: str) -> dict[str, float]:
    """Load the store of a folder in this process; the seconds exclude imports."""
    store = _store(Path(folder))
    assert store._get_provider().batch_engine
    imported, began, cpu = process_peak_mb(), time.perf_counter(), time.process_time()
    store.materialize(STARTED, ENDED)
    return {
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": process_peak_mb(),
        "imported_mb": imported,
    }


def _at(folder: Path, address: RedisAddress, rows: int) -> dict[str, object]:
    pq.write_table(_rows(rows), folder / f"{rows}.parquet")
    medians, answers = {}, []
    for kind, options in (("stock", STOCK), ("ours", AISLE)):
        repository = folder / f"{kind}-{rows}"
        _apply(repository, connection_string(address), folder / f"{rows}.parquet", options)
        once = kind == "stock" and rows > SIZES[-1] / 10
        runs = [_run(repository, address) for _ in range(1 if once else RUNS)]
        medians[kind] = {name: median(run[name] for run in runs) for name in runs[0]}
        answers.append(_answer(repository, rows))
    assert answers[0] == answers[1]
    stock, aisle = medians["stock"], medians["ours"]
    return {
        **medians,
        "rows_per_second": {kind: rows / medians[kind]["wall_seconds"] for kind in medians},
        "ratio": stock["wall_seconds"] / aisle["wall_seconds"],
        "cpu_ratio": stock["cpu_seconds"] / aisle["cpu_seconds"],
        "cpu_ratio_with_the_server": (stock["cpu_seconds"] + stock["server_cpu_seconds"])
        / (aisle["cpu_seconds"] + aisle["server_cpu_seconds"]),
    }


def _run(repository: Path, address: RedisAddress) -> dict[str, float]:
    """Empty the server and load it once, in a new process."""
    with redis_client(address, timeout=30) as client:
        client.flushall()
        before = _server_cpu(client)
        command = [sys.executable, "-m", __name__, str(repository)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return measured | {"server_cpu_seconds": _server_cpu(client) - before}


def _server_cpu(client: Redis) -> float:
    spent = client.info("cpu")
    return float(spent["used_cpu_user"]) + float(spent["used_cpu_sys"])


def _draw(sizes: dict[str, dict[str, Any]]) -> None:
    measures = {"seconds": "wall_seconds", "CPU seconds": "cpu_seconds", "peak MB": "peak_mb"}
    panels = {
        measure: {
            kind: {float(rows): medians[kind][name] for rows, medians in sizes.items()}
            for kind in ("ours", "stock")
        }
        for measure, name in measures.items()
    }
    draw(RESULTS / "materialize.svg", f"Load {FEATURES} features of N entities", "rows", panels)


def _rows(rows: int) -> pa.Table:
    """Return one row an entity: doubles, integers, floats and short texts in turn."""
    chance = np.random.default_rng(rows)
    kinds: list[Callable[[], npt.NDArray[Any]]] = [
        lambda: chance.random(rows),
        lambda: chance.integers(0, 10**6, rows),
        lambda: chance.random(rows, np.float32),
        lambda: np.char.add("word", chance.integers(0, 99, rows).astype(str)),
    ]
    columns = {f"f{n:02}": kinds[n % len(kinds)]() for n in range(FEATURES)}
    stamps = 19_750 * DAY + chance.integers(0, 300 * DAY, rows)
    return pa.table(
        {
            "item_id": [f"item-{n}" for n in range(rows)],
            "event_timestamp": pa.array(stamps, pa.timestamp("us", tz="UTC")),
            **columns,
        }
    )


def _apply(repository: Path, redis: str, source: Path, options: Options) -> None:
    import yaml
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float32, Float64, Int64, String

    repository.mkdir()
    timeouts = "socket_timeout=30,socket_connect_timeout=30,retry=null"
    text = {
        "project": "bench",
        "provider": "local",
        "entity_key_serialization_version": 3,
        "registry": {"registry_type": "sql", "path": f"sqlite:///{repository}/registry.db"},
        **options,
        "online_store": {**options["online_store"], "connection_string": f"{redis},{timeouts}"},
    }
    (repository / "feature_store.yaml").write_text(yaml.safe_dump(text))
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    types = (Float64, Int64, Float32, String)
    fields = [Field(name=f"f{n:02}", dtype=types[n % 4]) for n in range(FEATURES)]
    view = FeatureView(
        name="items",
        entities=[item],
        schema=[Field(name="item_id", dtype=String), *fields],
        source=FileSource(path=str(source), timestamp_field="event_timestamp"),
    )
    _store(repository).apply([item, view])


def _answer(repository: Path, rows: int) -> dict[str, list[object]]:
    """Return the values of some entities, by feature."""
    chosen = np.random.default_rng(1).integers(0, rows, COMPARED)
    answer = _store(repository).get_online_features(
        features=[f"items:f{n:02}" for n in range(FEATURES)],
        entity_rows=[{"item_id": f"item-{n}"} for n in chosen],
    )
    return answer.to_dict()  # type: ignore[no-any-return]


def _store(repository: Path):  # type: ignore[no-untyped-def]
    from feast import FeatureStore

    return FeatureStore(repo_path=str(repository))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(load(sys.argv[1])) + "\n")

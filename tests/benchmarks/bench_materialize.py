"""Loading 20 features of many entities online: this house's engine against stock Feast's.

Stock has DuckDB, Redis and its local engine, and writes in batches of 10,000 so that its memory
stays flat.  Each load runs in a process of its own, on one empty server, and what both loaded is
compared before anything is told.  Ours is the median of three loads; stock, whose loads take
minutes, runs once where there is more than a tenth of the rows.  What the server itself spends is
told apart.

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

SIZES = (10_000, 50_000, 200_000)
FEATURES, RUNS, COMPARED = 20, 3, 300
STARTED, ENDED = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
Options = dict[str, dict[str, object]]

STOCK: Options = {
    "online_store": {"type": "redis"},
    "offline_store": {"type": "duckdb"},
    "materialization": {"online_write_batch_size": 10_000},
}
OURS: Options = {
    "online_store": {"type": "feature_repo.online.feast.store.AisleOnlineStore"},
    "offline_store": {"type": "feature_repo.offline.feast.store.AisleOfflineStore"},
    "batch_engine": {"type": "feature_repo.online.feast.engine.AisleEngine"},
}


def main() -> dict[str, object]:
    """Medians at each size: rows a second, rows a CPU second, and memory."""
    sizes = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_redis(Settings(home=Home(folder / "home"))) as address:
            for rows in SIZES:
                sizes[str(rows)] = _at(folder, f"{address.host}:{address.port}", rows)
    _draw(sizes)
    return {"what": f"load {FEATURES} features of N entities", "sizes": sizes}


def load(folder: str) -> dict[str, float]:
    """Load the store of a folder, in this process; imports are not part of it."""
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


def _at(folder: Path, redis: str, rows: int) -> dict[str, object]:
    pq.write_table(_rows(rows), folder / f"{rows}.parquet")
    found, answers = {}, []
    for kind, options in (("stock", STOCK), ("ours", OURS)):
        place = folder / f"{kind}-{rows}"
        _apply(place, redis, folder / f"{rows}.parquet", options)
        once = kind == "stock" and rows > SIZES[-1] / 10
        runs = [_run(place, redis) for _ in range(1 if once else RUNS)]
        found[kind] = {name: median(run[name] for run in runs) for name in runs[0]}
        answers.append(_answer(place, rows))
    assert answers[0] == answers[1]
    stock, ours = found["stock"], found["ours"]
    return {
        **found,
        "rows_per_second": {kind: rows / found[kind]["wall_seconds"] for kind in found},
        "ratio": stock["wall_seconds"] / ours["wall_seconds"],
        "cpu_ratio": stock["cpu_seconds"] / ours["cpu_seconds"],
        "cpu_ratio_with_the_server": (stock["cpu_seconds"] + stock["server_cpu_seconds"])
        / (ours["cpu_seconds"] + ours["server_cpu_seconds"]),
    }


def _run(place: Path, redis: str) -> dict[str, float]:
    """One load of an emptied server, by a fresh process."""
    with redis_client(RedisAddress.local(int(redis.partition(":")[2])), timeout=30) as client:
        client.flushall()
        before = _server_cpu(client)
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(place)], capture_output=True, text=True, check=True
        )
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return measured | {"server_cpu_seconds": _server_cpu(client) - before}


def _server_cpu(client: Redis) -> float:
    spent = client.info("cpu")
    return float(spent["used_cpu_user"]) + float(spent["used_cpu_sys"])


def _draw(sizes: dict[str, dict[str, Any]]) -> None:
    measures = {"seconds": "wall_seconds", "CPU seconds": "cpu_seconds", "peak MB": "peak_mb"}
    panels = {
        measure: {
            kind: {float(rows): found[kind][name] for rows, found in sizes.items()}
            for kind in ("ours", "stock")
        }
        for measure, name in measures.items()
    }
    draw(RESULTS / "materialize.svg", f"Load {FEATURES} features of N entities", "rows", panels)


def _rows(rows: int) -> pa.Table:
    """A row of each entity: doubles, integers, floats and short texts in turn."""
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


def _apply(place: Path, redis: str, source: Path, options: Options) -> None:
    import yaml
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float32, Float64, Int64, String

    place.mkdir()
    timeouts = "socket_timeout=30,socket_connect_timeout=30,retry=null"
    text = {
        "project": "bench",
        "provider": "local",
        "entity_key_serialization_version": 3,
        "registry": {"registry_type": "sql", "path": f"sqlite:///{place}/registry.db"},
        **options,
        "online_store": {**options["online_store"], "connection_string": f"{redis},{timeouts}"},
    }
    (place / "feature_store.yaml").write_text(yaml.safe_dump(text))
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    types = (Float64, Int64, Float32, String)
    fields = [Field(name=f"f{n:02}", dtype=types[n % 4]) for n in range(FEATURES)]
    view = FeatureView(
        name="items",
        entities=[item],
        schema=[Field(name="item_id", dtype=String), *fields],
        source=FileSource(path=str(source), timestamp_field="event_timestamp"),
    )
    _store(place).apply([item, view])


def _answer(place: Path, rows: int) -> dict[str, list[object]]:
    """What some entities read, by feature."""
    chosen = np.random.default_rng(1).integers(0, rows, COMPARED)
    answer = _store(place).get_online_features(
        features=[f"items:f{n:02}" for n in range(FEATURES)],
        entity_rows=[{"item_id": f"item-{n}"} for n in chosen],
    )
    return answer.to_dict()  # type: ignore[no-any-return]


def _store(place: Path):  # type: ignore[no-untyped-def]
    from feast import FeatureStore

    return FeatureStore(repo_path=str(place))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(load(sys.argv[1])) + "\n")

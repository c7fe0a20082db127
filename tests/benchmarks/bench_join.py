"""The point-in-time join of three views: sorted keys against stock Feast's DuckDB store.

python -m tests.benchmarks join

Each contestant joins in a process of its own, through `get_historical_features(…).to_arrow()`, the
same frames with 5M + 5M + 2.5M feature rows of ten numbers each; answers are asserted equal first.
Wall and CPU seconds are those of the join, the peak is the process's.  JOIN_SIZES chooses how many
entity rows, JOIN_ROUNDS how often, JOIN_LARGE=1 adds a source of 50M rows under a limit of 4 GB.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SIZES = [int(size) for size in os.environ.get("JOIN_SIZES", "1000,10000,50000,1000000").split(",")]
ROUNDS = int(os.environ.get("JOIN_ROUNDS", "3"))
LARGE = os.environ.get("JOIN_LARGE") == "1"

VIEWS = {
    "users": (5_000_000, 200_000),
    "items": (5_000_000, 100_000),
    "queries": (2_500_000, 50_000),
}
LARGE_VIEWS = {"users": (50_000_000, 2_000_000)}
LARGE_LIMIT = "4GB"
FEATURES = 10
HOUR, YEAR, START = 3_600_000_000, 365 * 86_400_000_000, 1_735_689_600_000_000
STORES = {"ours": "feature_repo.offline.store.AisleOfflineStore", "stock": "duckdb"}
UTC = pa.timestamp("us", tz="UTC")


def main() -> dict[str, object]:
    """Medians and ratios a size, after the answers agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, VIEWS)
        sizes = {str(size): _compared(folder, size) for size in SIZES}
        result = {"what": "point-in-time join of 3 views, 12.5M feature rows × 10", "sizes": sizes}
    return result | ({"large": _large()} if LARGE else {})


def _compared(folder: Path, size: int) -> dict[str, object]:
    answers = {store: folder / f"{store}.arrow" for store in STORES}
    runs = {store: [_run(folder, store, size, answer)] for store, answer in answers.items()}
    _assert_equal(*(pa.ipc.open_file(pa.memory_map(str(a))).read_all() for a in answers.values()))
    for _ in range(ROUNDS - 1):
        for store, found in runs.items():
            found.append(_run(folder, store, size))
    medians = {
        store: {name: median(run[name] for run in found) for name in found[0]}
        for store, found in runs.items()
    }
    ours, stock = medians["ours"], medians["stock"]
    return medians | {"ratio": {name: stock[name] / ours[name] for name in ours}}


def _large() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, LARGE_VIEWS)
        return _run(folder, "ours", 1_000_000, memory_limit=LARGE_LIMIT)


def _run(
    folder: Path, store: str, size: int, answer: Path | None = None, memory_limit: str | None = None
) -> dict[str, float]:
    """Join in another process; returns what it measured."""
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, str(folder), store, str(size)]
    command += [str(answer or ""), memory_limit or ""]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def contend(folder: Path, store: str, size: int, answer: str, memory_limit: str) -> None:
    """What one process does: open the repository, join, say what it cost."""
    feast_store, refs = _repository(folder, store, memory_limit)
    entities = pq.read_table(folder / "entities.parquet").slice(0, size).to_pandas()
    before, started = _cpu(), time.perf_counter()
    job = feast_store.get_historical_features(entities, refs, filter_by_created_timestamp=True)
    table = job.to_arrow()
    measured = {
        "wall_seconds": time.perf_counter() - started,
        "cpu_seconds": _cpu() - before,
        "peak_mb": _peak_mb(),
    }
    assert table.num_rows == size
    if answer:
        ordered = table.sort_by("row")
        with pa.OSFile(answer, "wb") as file, pa.ipc.new_file(file, ordered.schema) as writer:
            writer.write_table(ordered)
    sys.stdout.write(json.dumps(measured) + "\n")


def _repository(folder: Path, store: str, memory_limit: str) -> tuple[object, list[str]]:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64

    offline = {"type": STORES[store], **({"memory_limit": memory_limit} if memory_limit else {})}
    config = RepoConfig(
        project="join",
        provider="local",
        registry=str(folder / f"{store}.db"),
        offline_store=offline,
        online_store=None,
        entity_key_serialization_version=3,
        repo_path=folder,
    )
    feast_store, refs, objects = FeatureStore(config=config), [], []
    for path in sorted(folder.glob("*.parquet")):
        if (name := path.stem) == "entities":
            continue
        key = Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.INT64)
        source = FileSource(
            name=f"{name}_rows",
            path=str(path),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        )
        fields = [Field(name=f"{name}_{n}", dtype=Float64) for n in range(FEATURES)]
        view = FeatureView(
            name=name, entities=[key], ttl=timedelta(0), schema=fields, source=source
        )
        objects += [key, view]
        refs += [f"{name}:{field.name}" for field in fields]
    feast_store.apply(objects)
    return feast_store, refs


def _write(folder: Path, views: dict[str, tuple[int, int]]) -> None:
    """Feature rows in time order, an hour at most from event to creation, and entity rows."""
    chance = np.random.default_rng(1)
    asked = max(SIZES)
    entities = {"row": np.arange(asked), "event_timestamp": _times(chance, asked)}
    for name, (rows, keys) in views.items():
        entities[f"{name}_id"] = chance.integers(0, keys, asked)
        with pq.ParquetWriter(folder / f"{name}.parquet", _schema(name)) as writer:
            for part in range(5):
                writer.write_table(_feature_rows(chance, name, rows // 5, keys, part))
    pq.write_table(pa.table(entities), folder / "entities.parquet")


def _schema(name: str) -> pa.Schema:
    keys = [(f"{name}_id", pa.int64()), ("event_timestamp", UTC), ("created_timestamp", UTC)]
    return pa.schema([*keys, *((f"{name}_{n}", pa.float64()) for n in range(FEATURES))])


def _feature_rows(
    chance: np.random.Generator, name: str, rows: int, keys: int, part: int
) -> pa.Table:
    events = START + part * YEAR // 5 + np.sort(chance.integers(0, YEAR // 5, rows))
    created = events + chance.integers(0, HOUR, rows)
    columns = [chance.integers(0, keys, rows), events, created]
    columns += [chance.random(rows) for _ in range(FEATURES)]
    schema = _schema(name)
    return pa.table(
        [pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)], schema
    )


def _times(chance: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(START + chance.integers(0, YEAR, rows)).cast(UTC)


def _assert_equal(ours: pa.Table, stock: pa.Table) -> None:
    assert set(ours.column_names) == set(stock.column_names)
    assert ours.num_rows == stock.num_rows
    for name in ours.column_names:
        mine, theirs = ours[name], stock[name].cast(ours[name].type)
        assert mine.null_count == theirs.null_count, name
        assert mine.equals(theirs), name
    assert 0 < ours["users_0"].null_count < ours.num_rows


def _peak_mb() -> float:
    """Of this process alone: getrusage would begin at what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    contend(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])

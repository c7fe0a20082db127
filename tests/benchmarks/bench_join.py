"""Compare the point-in-time join of three views with stock Feast's DuckDB store.

python -m tests.benchmarks join

Each contestant joins in a separate process, through `get_historical_features(…).to_arrow()`, the
same frames with 5M + 5M + 2.5M feature rows of ten numbers each, under the same cut-off at the
created time; answers are asserted equal first.  Wall and CPU seconds cover only the join; the peak
is the process's resident memory, with imports.

A source of 50M rows is joined too, with a configured limit of 1 GB, in a process whose whole
address space the system limits to 4 GB (RLIMIT_AS).  Its first rows must equal stock's answer for
the same rows, computed without a limit.

JOIN_SIZES sets the numbers of entity rows, JOIN_ROUNDS the repetitions; JOIN_LARGE=0 omits the 50M
rows.
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

from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.plot import draw

SIZES = [int(size) for size in os.environ.get("JOIN_SIZES", "1000,10000,50000,1000000").split(",")]
ROUNDS = int(os.environ.get("JOIN_ROUNDS", "3"))
LARGE = os.environ.get("JOIN_LARGE", "1") == "1"

VIEWS = {
    "users": (5_000_000, 200_000),
    "items": (5_000_000, 100_000),
    "queries": (2_500_000, 50_000),
}
LARGE_VIEWS = {"users": (50_000_000, 2_000_000)}
LARGE_SIZE, CHECKED = 1_000_000, 1_000
ADDRESS_SPACE = 4_000_000_000
FEATURES, ROWS_A_GROUP = 10, 500_000
MEASURES = {"wall_seconds": "wall, s", "cpu_seconds": "CPU, s", "peak_mb": "peak memory, MB"}
Costs = dict[str, float]
HOUR, YEAR, START = 3_600_000_000, 365 * 86_400_000_000, 1_735_689_600_000_000
STORES = {"ours": "feature_repo.offline.feast.store.AisleOfflineStore", "stock": "duckdb"}
UTC = pa.timestamp("us", tz="UTC")


def main() -> dict[str, object]:
    """Return medians and ratios by size, after the answers agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, VIEWS)
        sizes = {str(size): _compared(folder, size) for size in SIZES}
    _draw(sizes)
    result = {"what": "point-in-time join of 3 views, 12.5M feature rows × 10", "sizes": sizes}
    return result | ({"large": _large()} if LARGE else {})


def _compared(folder: Path, size: int) -> dict[str, Costs]:
    answers = {store: folder / f"{store}.arrow" for store in STORES}
    runs = {store: [_run(folder, store, size, answer)] for store, answer in answers.items()}
    _assert_equal(*(_read(answer) for answer in answers.values()))
    for _ in range(ROUNDS - 1):
        for store, costs in runs.items():
            costs.append(_run(folder, store, size))
    medians = {
        store: {name: median(run[name] for run in costs) for name in costs[0]}
        for store, costs in runs.items()
    }
    aisle, stock = medians["ours"], medians["stock"]
    return medians | {"ratio": {name: stock[name] / aisle[name] for name in aisle}}


def _draw(sizes: dict[str, dict[str, Costs]]) -> None:
    panels = {
        measure: {
            store: {float(size): costs[store][name] for size, costs in sizes.items()}
            for store in STORES
        }
        for name, measure in MEASURES.items()
    }
    title = "Point-in-time join: 3 views, 12.5M feature rows × 10"
    draw(RESULTS / "join.svg", title, "entity rows", panels)


def _large() -> dict[str, object]:
    """Join 50M feature rows in a limited address space; the system ends a larger process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, LARGE_VIEWS)
        aisle, stock = folder / "ours.arrow", folder / "stock.arrow"
        costs = _run(folder, "ours", LARGE_SIZE, aisle, ADDRESS_SPACE)
        _run(folder, "stock", CHECKED, stock)
        _assert_equal(_read(aisle).slice(0, CHECKED), _read(stock))
    return {"feature_rows": 50_000_000, "address_space_mb": ADDRESS_SPACE / 1e6, "ours": costs}


def _run(
    folder: Path, store: str, size: int, answer: Path | None = None, space: int | None = None
) -> Costs:
    """Join in another process and return its measurements."""
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, str(folder), store, str(size)]
    command += [str(answer or ""), str(space or "")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def contend(folder: Path, store: str, size: int, answer: str, space: str) -> None:
    """Open the repository, join, and print the costs: the work of one process."""
    if space:
        resource.setrlimit(resource.RLIMIT_AS, (int(space), int(space)))
    feast_store, refs = _repository(folder, store, {"memory_limit": "1GB"} if space else {})
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


def _read(answer: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(answer))).read_all()


def _repository(folder: Path, store: str, limits: dict[str, str]) -> tuple[object, list[str]]:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64

    config = RepoConfig(
        project="join",
        provider="local",
        registry=str(folder / f"{store}.db"),
        offline_store={"type": STORES[store], **limits},
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
    """Write entity rows, and feature rows in time order, each created within an hour."""
    chance = np.random.default_rng(1)
    entity_rows = max(*SIZES, LARGE_SIZE)
    entities = {"row": np.arange(entity_rows), "event_timestamp": _times(chance, entity_rows)}
    for name, (rows, keys) in views.items():
        entities[f"{name}_id"] = chance.integers(0, keys, entity_rows)
        with pq.ParquetWriter(folder / f"{name}.parquet", _schema(name)) as writer:
            for start in range(0, rows, ROWS_A_GROUP):
                span = start / rows, (start + ROWS_A_GROUP) / rows
                writer.write_table(_feature_rows(chance, name, keys, span))
    pq.write_table(pa.table(entities), folder / "entities.parquet")


def _schema(name: str) -> pa.Schema:
    keys = [(f"{name}_id", pa.int64()), ("event_timestamp", UTC), ("created_timestamp", UTC)]
    return pa.schema([*keys, *((f"{name}_{n}", pa.float64()) for n in range(FEATURES))])


def _feature_rows(
    chance: np.random.Generator, name: str, keys: int, span: tuple[float, float]
) -> pa.Table:
    first, end = (START + int(share * YEAR) for share in span)
    events = np.sort(chance.integers(first, end, ROWS_A_GROUP))
    created = events + chance.integers(0, HOUR, ROWS_A_GROUP)
    columns = [chance.integers(0, keys, ROWS_A_GROUP), events, created]
    columns += [chance.random(ROWS_A_GROUP) for _ in range(FEATURES)]
    schema = _schema(name)
    return pa.table(
        [pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)], schema
    )


def _times(chance: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(START + chance.integers(0, YEAR, rows)).cast(UTC)


def _assert_equal(aisle: pa.Table, stock: pa.Table) -> None:
    assert set(aisle.column_names) == set(stock.column_names)
    assert aisle.num_rows == stock.num_rows
    for name in aisle.column_names:
        values, expected = aisle[name], stock[name].cast(aisle[name].type)
        assert values.null_count == expected.null_count, name
        assert values.equals(expected), name
    assert 0 < aisle["users_0"].null_count < aisle.num_rows


def _peak_mb() -> float:
    """Return the peak memory of this process alone; getrusage would include its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    contend(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])

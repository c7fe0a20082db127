"""Compare `/rank` over HTTP with the same service without optimizations, and with an echo.

python -m tests.benchmarks serving

CPU counts all processes of a server, per request; times are measured by a client.  The clients
run on the same cores, so only CPU and ratios are reliable on a busy machine.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import httpx
import numpy as np
import psutil
import yaml
from feast import FeatureStore

from feature_repo.catalogue import Catalogue
from feature_repo.events.log import read_seals
from feature_repo.home import CHECKOUT, DAY, Settings, to_datetime
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import RedisAddress, redis_client, running_redis
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from pipelines.service import free_port
from pipelines.service.service_process import environment
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.counting_proxy import counting
from tests.benchmarks.http_load import Load, closed_loop, open_loop
from tests.benchmarks.measuring import pace
from tests.benchmarks.plot import draw
from tests.benchmarks.serving_peers import STOCK
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service
from tests.redis_addresses import behind, connection_string

SHOP = {"users": 60, "items": 1000, "days": 4}
TREES, DEPTH = 300, 6
SIZES, CLIENTS = (100, 200, 300), (1, 8, 32)
SLATES = 40
REQUESTS = {"aisle": 800, "echo": 800, "ordinary": 12}
CLICKS = 400
OPEN_SECONDS, LOADS = 4.0, (0.5, 1.0, 2.0)
STAGES = ("hydrate", "score")


@dataclass
class Peer:
    """A running server, and its request bodies.

    Attributes:
        bodies: by number of candidates.
        warm_up: number of requests before the measurement.
    """

    name: str
    url: str
    process: psutil.Process
    bodies: dict[int, list[bytes]]
    warm_up: int = 4

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes."""
        tree = [self.process, *self.process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in tree)

    def closed(self, size: int, clients: int, requests: int) -> dict[str, float | None]:
        """Measure requests of clients that each wait for their answers."""
        closed_loop(self.url, self.bodies[size], clients, max(clients, self.warm_up))
        before = self.cpu()
        load = closed_loop(self.url, self.bodies[size], clients, requests)
        return {
            "cpu_ms": round(1000 * (self.cpu() - before) / requests, 3),
            "p50_ms": load.percentile_ms(50),
            "p99_ms": load.percentile_ms(99),
            "a_second": round(len(load.latencies()) / load.wall, 1),
            "refused": requests - len(load.latencies()),
        }


def main() -> dict[str, object]:
    """Measure CPU and latency by candidates and clients, stages, overload and round trips."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        open_.enter_context(running_redis(settings))
        address = ensure_redis(settings)
        stock = stock_store(settings, address, Path(folder) / "stock")
        slates = slates_of(settings)
        aisle = open_.enter_context(run_service(settings))
        peers = {
            "aisle": Peer(
                "aisle", f"{aisle.url}/rank/default", tree(aisle), aisle_bodies(slates), SLATES
            ),
            "echo": open_.enter_context(peer(settings, "Echo", aisle_bodies(slates), stock)),
            "ordinary": open_.enter_context(
                peer(settings, "Ordinary", _ordinary_bodies(slates), stock)
            ),
        }
        assert_equal(aisle, peers["ordinary"], slates)
        paces = [pace()]
        closed = {
            name: {
                str(size): {
                    str(clients): server.closed(size, clients, max(REQUESTS[name], clients))
                    for clients in (CLIENTS if name == "aisle" else CLIENTS[:1])
                }
                for size in SIZES
            }
            for name, server in peers.items()
        }
        paces.append(pace())
        stages = {str(size): stages_of(aisle, peers["aisle"], size) for size in SIZES}
        overload = overload_of(peers["aisle"], closed["aisle"]["200"]["8"]["a_second"])
        changed = all_changed(settings, address, peers["aisle"], slates)
        trips = round_trips(settings, address, slates)
        clicks = acknowledgements(aisle, slates[200])
    draw_stages(stages)
    return {
        "pace_of_the_machine": paces,
        "what": f"/rank, {SHOP['items']} items, the whole catalogue, {TREES} trees",
        "closed_loop": closed,
        "ratios": {
            f"cpu {other}": {
                size: round(figures["1"]["cpu_ms"] / closed["aisle"][size]["1"]["cpu_ms"], 2)
                for size, figures in closed[other].items()
            }
            for other in ("ordinary", "echo")
        },
        "stages_ms": stages,
        "open_loop": overload,
        "acknowledgement_of_a_click": clicks,
        "200_items_all_changed_since": changed,
        "redis_round_trips_a_request": trips,
    }


def slates_of(
    settings: Settings, sizes: Sequence[int] = SIZES
) -> dict[int, list[dict[str, object]]]:
    """Return slates of each size, with users, queries and items of the shop."""
    log, features = settings.home.log / "compacted", settings.home.features
    rng = np.random.default_rng(5)

    def values(sql: str, folder: Path) -> list[str]:
        return [v for (v,) in duckdb.execute(sql, [f"{folder}/**/*.parquet"]).fetchall()]

    queries = values(
        "select distinct query from read_parquet(?) where query is not null order by 1",
        log / "ranking",
    )
    users = values(
        "select distinct user_id from read_parquet(?) where user_id is not null order by 1",
        log / "ranking",
    )
    items = values(
        "select item_id from read_parquet(?) group by item_id having not bool_or(is_deleted = 1)"
        " order by 1",
        features / "item_attributes",
    )
    return {
        size: [
            {
                "user": str(rng.choice(users)),
                "query": str(rng.choice(queries)),
                "items": rng.permutation(items)[:size].tolist(),
            }
            for _ in range(SLATES)
        ]
        for size in sizes
    }


def stock_store(settings: Settings, address: RedisAddress, folder: Path) -> Path:
    """Load the home's views into stock Feast's Redis store, as of the home's last load."""
    home, end = settings.home, read_seals(settings.home.log / "seals").last + 1
    folder.mkdir()
    config = {
        "project": "stock",
        "provider": "local",
        "entity_key_serialization_version": 3,
        "registry": {"registry_type": "sql", "path": f"sqlite:///{folder}/registry.db"},
        "online_store": {
            "type": "redis",
            "connection_string": connection_string(address, 1),
        },
        "offline_store": {"type": "duckdb"},
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(config))
    store = FeatureStore(repo_path=str(folder))
    store.apply(list(Catalogue.of(home).objects().values()))
    store.materialize(to_datetime(end - 40 * DAY), to_datetime(end))
    return folder


@contextmanager
def peer(
    settings: Settings, name: str, bodies: dict[int, list[bytes]], stock: Path
) -> Iterator[Peer]:
    """Run a service of `serving_peers.py`."""
    port = free_port()
    (settings.home.bentoml / str(port)).mkdir(parents=True)
    command = [
        *(sys.executable, "-m", "bentoml", "serve", f"tests.benchmarks.serving_peers:{name}"),
        *("--host", "127.0.0.1", "--port", str(port), "--working-dir", str(CHECKOUT)),
    ]
    variables = {**environment(settings, port), STOCK: str(stock)}
    log = settings.home.root / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=variables, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url, process, log)
        yield Peer(name, f"{url}/rank", psutil.Process(process.pid), bodies)
    finally:
        process.terminate()
        process.wait()


def assert_equal(
    aisle: Service, ordinary: Peer, slates: dict[int, list[dict[str, object]]]
) -> None:
    """Check that both servers give slates the same scores, as of the instant of Aisle's answer."""
    for slate in slates[200][:5]:
        answer = aisle.http.post("/rank/default", content=_aisle_body(slate)).json()
        assert answer["degraded"] == []
        served = aisle.eventually(lambda request=answer["request_id"]: aisle.log.served(request))
        ordinary_answer = httpx.post(
            ordinary.url, json=_ordinary_body(slate) | {"timestamp": served.event_time}, timeout=60
        ).json()
        scores, ordinary_scores = (
            {item["item"]: item["score"] for item in each["items"]}
            for each in (answer, ordinary_answer)
        )
        assert scores.keys() == ordinary_scores.keys()
        np.testing.assert_allclose(
            [scores[item] for item in ordinary_scores],
            list(ordinary_scores.values()),
            rtol=1e-4,
            atol=1e-6,
        )


def stages_of(
    aisle: Service,
    server: Peer,
    size: int,
    named: Sequence[str] = STAGES,
    endpoint: str = "rank",
) -> dict[str, float]:
    """Return the mean ms of a request by stage, with one client."""
    names = [f'aisle_stage_seconds_sum{{stage="{stage}"}}' for stage in named]
    names.append(f'aisle_answer_seconds_sum{{endpoint="{endpoint}"}}')
    before, requests = [aisle.metric(name) for name in names], 200
    load = closed_loop(server.url, server.bodies[size], 1, requests)
    after = [aisle.metric(name) for name in names]
    *stages, answer = (1000 * (b - a) / requests for a, b in zip(before, after, strict=True))
    means = dict(zip(named, stages, strict=True)) | {"other stages": answer - sum(stages)}
    means["HTTP and client"] = 1000 * float(np.mean(load.latencies())) - answer
    return {name: round(ms, 3) for name, ms in means.items()}


def overload_of(server: Peer, capacity: float) -> dict[str, object]:
    """Measure requests at fixed rates, below and above the capacity."""
    results: dict[str, object] = {"capacity_a_second": capacity}
    for factor in LOADS:
        load = open_loop(server.url, server.bodies[200], factor * capacity, OPEN_SECONDS)
        results[f"{factor:g}x"] = _summary(load, capacity)
    return results


def acknowledgements(aisle: Service, slates: list[dict[str, object]]) -> dict[str, float | None]:
    """Measure how long one client waits until its click is on disk and counts, one per request."""
    bodies = [
        json.dumps(
            {
                "kind": "interaction",
                "event_id": f"bench-{n}",
                "event_time": aisle.clock.now(),
                "item_id": slates[n % SLATES]["items"][n // SLATES],
                "user_id": slates[n % SLATES]["user"],
                "type": "click",
            }
        ).encode()
        for n in range(CLICKS)
    ]
    load = closed_loop(f"{aisle.url}/events", bodies, 1, CLICKS)
    assert aisle.metric('aisle_events_total{outcome="accepted"}') == CLICKS
    return {"p50_ms": load.percentile_ms(50), "p99_ms": load.percentile_ms(99)}


def all_changed(
    settings: Settings,
    address: RedisAddress,
    server: Peer,
    slates: dict[int, list[dict[str, object]]],
) -> dict[str, float | None]:
    """Measure one client while every candidate has changed since its last read."""
    shop, load = Shop.load(settings.home.shop_toml), Load()
    with redis_client(address) as client:
        reader = OnlineReader(settings.home, shop, client)
        for body, slate in zip(server.bodies[200], slates[200], strict=True):
            tiles = [reader.item_keys(item)[0] for item in slate["items"]]
            stored = dict(zip(tiles, client.mget(tiles), strict=True))
            client.mset({key: tile for key, tile in stored.items() if tile is not None})
            load.seconds.setdefault(200, []).extend(
                closed_loop(server.url, [body], 1, 1).latencies()
            )
    return {"p50_ms": load.percentile_ms(50), "p99_ms": load.percentile_ms(99)}


def round_trips(
    settings: Settings, address: RedisAddress, slates: dict[int, list[dict[str, object]]]
) -> float:
    """Count round trips to Redis per request, with a proxy in front of Redis."""
    with (
        counting(address.host, address.port) as counted,
        run_service(settings, REDIS_URL=behind(address, counted.port).url) as service,
    ):
        service.eventually(lambda: service.metric("aisle_live_state_up") == 1)
        bodies = aisle_bodies(slates)[200]
        url, requests = f"{service.url}/rank/default", 100
        closed_loop(url, bodies, 1, len(bodies))
        before = counted.of_readers
        closed_loop(url, bodies, 1, requests)
        return (counted.of_readers - before) / requests


def draw_stages(stages: dict[str, dict[str, float]]) -> None:
    """Draw the time of each stage."""
    lines = {
        name: {float(size): max(means[name], 1e-3) for size, means in stages.items()}
        for name in next(iter(stages.values()))
    }
    draw(RESULTS / "serving.svg", "/rank, one client", "candidates", {"ms by stage": lines})


def _summary(load: Load, capacity: float) -> dict[str, object]:
    return {
        "served_a_second": round(len(load.latencies()) / load.wall, 1),
        "goodput": round(len(load.latencies()) / load.wall / capacity, 3),
        "p50_ms": load.percentile_ms(50),
        "p99_ms": load.percentile_ms(99),
        "refused": len(load.latencies(429)),
        "refusal_p50_ms": load.percentile_ms(50, 429),
        "refusal_p99_ms": load.percentile_ms(99, 429),
        "other": {s: len(t) for s, t in load.seconds.items() if s not in (200, 429)},
    }


def aisle_bodies(slates: dict[int, list[dict[str, object]]]) -> dict[int, list[bytes]]:
    return {size: [_aisle_body(slate) for slate in group] for size, group in slates.items()}


def _aisle_body(slate: dict[str, object]) -> bytes:
    query = {"name": "query", "value": slate["query"]}
    shopper = {name: slate[name] for name in ("user", "session") if name in slate}
    return json.dumps({**shopper, "fields": [query], "items": _items(slate)}).encode()


def _ordinary_bodies(slates: dict[int, list[dict[str, object]]]) -> dict[int, list[bytes]]:
    return {
        size: [json.dumps(_ordinary_body(slate)).encode() for slate in group]
        for size, group in slates.items()
    }


def _ordinary_body(slate: dict[str, object]) -> dict[str, object]:
    return {"user": slate["user"], "query": slate["query"], "items": _items(slate)}


def _items(slate: dict[str, object]) -> list[dict[str, object]]:
    return [{"id": item} for item in slate["items"]]


def tree(service: Service) -> psutil.Process:
    return psutil.Process(service.process.pid)


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"{url} did not start:\n{log.read_text()[-3000:]}")

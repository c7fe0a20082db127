"""Measure requests under faults: answers, latencies, and degraded stages.

python -m tests.benchmarks faults

`/rank` and `/search` get requests at a fixed rate.  Each run has one fault, which is repaired
before the end of the run.  The run without a fault shows the influence of a busy machine.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from feature_repo.home import CHECKOUT, Settings
from feature_repo.online.redis import redis_client, running_redis
from feature_repo.online.redis.server import ensure_redis
from pipelines.service.service_process import environment
from tests.benchmarks.http_load import open_loop
from tests.integration.http.small_shop import (
    Service,
    build_home,
    kill_redis,
    publish_ranker,
    run_service,
)
from training.artifacts import current

SHOP = {"users": 60, "items": 1000, "days": 4}
TREES, DEPTH, CANDIDATES = 300, 6, 100
RATE = {"rank": 25.0, "search": 25.0}
SECONDS, FAULT_AT, REPAIRED_AFTER = 24.0, 4.0, 8.0
IN_TIME = 0.250

Fault = Callable[[Service], AbstractContextManager[None]]


def main() -> dict[str, object]:
    """Return by fault: requests, answers in time, 5xx, degraded stages, time to recovery."""
    with tempfile.TemporaryDirectory() as folder:
        settings = build_home(Path(folder) / "home", **SHOP)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        with running_redis(settings), run_service(settings) as service:
            bodies = bodies_of(service)
            faults = {
                "none": nothing,
                "redis killed": killed,
                "redis frozen": frozen,
                "redis empty": emptied,
                "index missing": index_missing,
                "model corrupt": model_corrupt,
            }
            results = {name: under(service, bodies, fault) for name, fault in faults.items()}
    return {
        "what": f"{sum(RATE.values()):g} requests a second for {SECONDS:g} s, {CANDIDATES} items "
        f"or a search, {TREES} trees; the fault from second {FAULT_AT:g} for {REPAIRED_AFTER:g} s",
        "in_time_ms": IN_TIME * 1000,
        "faults": results,
    }


def bodies_of(service: Service) -> dict[str, list[bytes]]:
    """Return bodies by path, for some users."""
    slates = [
        {"items": [{"id": item} for item in service.items[n : n + CANDIDATES]], "user": user}
        for n, user in enumerate(service.users[:20])
    ]
    words = ["red sneaker", "lamp", "blue", "boots under 50", "sofa", "green dress"]
    searches = [{"query": word, "user": user} for word in words for user in service.users[:5]]
    return {
        "/rank/default": [json.dumps(body).encode() for body in slates],
        "/search": [json.dumps(body).encode() for body in searches],
    }


def under(service: Service, bodies: dict[str, list[bytes]], fault: Fault) -> dict[str, object]:
    """Measure the load of one run."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        started = time.monotonic()
        loads = [
            pool.submit(open_loop, service.url + path, requests, rate, SECONDS)
            for (path, requests), rate in zip(bodies.items(), RATE.values(), strict=True)
        ]
        time.sleep(FAULT_AT)
        degraded: set[str] = set()
        with fault(service):
            while time.monotonic() - started < FAULT_AT + REPAIRED_AFTER:
                degraded |= degraded_stages(service, bodies)
                time.sleep(0.2)
        repaired = time.monotonic()
        while degraded_stages(service, bodies) and time.monotonic() - repaired < SECONDS:
            time.sleep(0.05)
        recovered = time.monotonic() - repaired
        done = [load.result() for load in loads]
    latencies = [seconds for load in done for seconds in load.latencies()]
    statuses = {
        s: sum(len(load.latencies(s)) for load in done) for load in done for s in load.seconds
    }
    requested = sum(statuses.values())
    return {
        "requests": requested,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "errors_5xx": sum(count for status, count in statuses.items() if status >= 500),
        "in_time": round(sum(seconds <= IN_TIME for seconds in latencies) / requested, 5),
        "p99_ms": round(sorted(latencies)[int(len(latencies) * 0.99)] * 1000, 1),
        "slowest_ms": round(max(latencies) * 1000, 1),
        "degraded": sorted(degraded),
        "recovered_after_s": round(recovered, 2),
    }


def degraded_stages(service: Service, bodies: dict[str, list[bytes]]) -> set[str]:
    """Return the degraded stages of an answer of each path, or the status of an error."""
    answers = [service.http.post(path, content=group[0]) for path, group in bodies.items()]
    return {
        stage
        for answer in answers
        for stage in answer.json().get("degraded", [f"status {answer.status_code}"])
    }


@contextmanager
def nothing(_: Service) -> Iterator[None]:
    """No fault."""
    yield


@contextmanager
def killed(service: Service) -> Iterator[None]:
    """Redis is killed and started again."""
    kill_redis(service.settings)
    yield
    ensure_redis(service.settings)


@contextmanager
def frozen(service: Service) -> Iterator[None]:
    """Redis accepts connections and never answers."""
    process = _process_of(service.settings)
    os.kill(process, signal.SIGSTOP)
    yield
    os.kill(process, signal.SIGCONT)


@contextmanager
def emptied(service: Service) -> Iterator[None]:
    """Redis loses everything, and a refresh in another process loads it again."""
    with redis_client(ensure_redis(service.settings), timeout=10) as client:
        client.flushall()
    yield
    address = ensure_redis(service.settings)
    subprocess.run(
        [Path(sys.executable).with_name("aisle"), "refresh", "--json"],
        cwd=CHECKOUT,
        env=environment(service.settings, address.url, address.port),
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def index_missing(service: Service) -> Iterator[None]:
    """The lexical index is not published for a while."""
    link = service.home.current / "lexical" / "default"
    target = link.readlink()
    link.unlink()
    yield
    link.symlink_to(target)


@contextmanager
def model_corrupt(service: Service) -> Iterator[None]:
    """A truncated ranker is published; the previous one stays in memory."""
    link = service.home.current / "ranker" / "default"
    target, folder = link.readlink(), current(service.home, "ranker", "default")
    broken = Path(shutil.copytree(folder, folder.with_name("broken-00000000")))
    model = broken / "model.json"
    model.write_bytes(model.read_bytes()[:1000])
    link.unlink()
    link.symlink_to(broken)
    yield
    link.unlink()
    link.symlink_to(target)


def _process_of(settings: Settings) -> int:
    with redis_client(ensure_redis(settings)) as client:
        return int(client.info("server")["process_id"])

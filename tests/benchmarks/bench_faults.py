"""Faults under load: how many requests are answered, how soon, and what the answers say is missing.

python -m tests.benchmarks faults

`/rank` and `/search` are asked by the clock, whether or not answers come.  Into each run falls one
fault, which is healed before its end.  On a machine that does other work too, the run without a
fault tells what is the machine's.
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
SECONDS, FAULT_AT, HEALED_AFTER = 24.0, 4.0, 8.0
IN_TIME = 0.250

Fault = Callable[[Service], AbstractContextManager[None]]


def main() -> dict[str, object]:
    """By fault: requests, those answered in time, 5xx, what was degraded, time to recover."""
    with tempfile.TemporaryDirectory() as folder:
        settings = build_home(Path(folder) / "home", **SHOP)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        with running_redis(settings), run_service(settings) as service:
            bodies = bodies_of(service)
            faults = {"none": nothing, "redis killed": killed, "redis frozen": frozen,
                      "redis empty": emptied, "index missing": index_missing,
                      "model corrupt": model_corrupt}  # fmt: skip
            found = {name: under(service, bodies, fault) for name, fault in faults.items()}
    return {
        "what": f"{sum(RATE.values()):g} requests a second for {SECONDS:g} s, {CANDIDATES} items "
        f"or a search, {TREES} trees; the fault from second {FAULT_AT:g} for {HEALED_AFTER:g} s",
        "in_time_ms": IN_TIME * 1000,
        "faults": found,
    }


def bodies_of(service: Service) -> dict[str, list[bytes]]:
    """Bodies by path, for some users."""
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
    """What becomes of the load of one run."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        began = time.monotonic()
        loads = [
            pool.submit(open_loop, service.url + path, some, rate, SECONDS)
            for (path, some), rate in zip(bodies.items(), RATE.values(), strict=True)
        ]
        time.sleep(FAULT_AT)
        degraded: set[str] = set()
        with fault(service):
            while time.monotonic() - began < FAULT_AT + HEALED_AFTER:
                degraded |= told(service, bodies)
                time.sleep(0.2)
        healed = time.monotonic()
        while told(service, bodies) and time.monotonic() - healed < SECONDS:
            time.sleep(0.05)
        recovered = time.monotonic() - healed
        done = [load.result() for load in loads]
    took = [seconds for load in done for seconds in load.took()]
    statuses = {s: sum(len(load.took(s)) for load in done) for load in done for s in load.seconds}
    asked = sum(statuses.values())
    return {
        "requests": asked,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "errors_5xx": sum(count for status, count in statuses.items() if status >= 500),
        "in_time": round(sum(seconds <= IN_TIME for seconds in took) / asked, 5),
        "p99_ms": round(sorted(took)[int(len(took) * 0.99)] * 1000, 1),
        "slowest_ms": round(max(took) * 1000, 1),
        "degraded": sorted(degraded),
        "recovered_after_s": round(recovered, 2),
    }


def told(service: Service, bodies: dict[str, list[bytes]]) -> set[str]:
    """What an answer of each path says is left out; a status where it is no answer."""
    answers = [service.http.post(path, content=some[0]) for path, some in bodies.items()]
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
    """Redis takes connections and never answers."""
    process = _process_of(service.settings)
    os.kill(process, signal.SIGSTOP)
    yield
    os.kill(process, signal.SIGCONT)


@contextmanager
def emptied(service: Service) -> Iterator[None]:
    """Redis loses everything, and a refresh loads it again, in a process of its own."""
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
    """The index of words is withdrawn."""
    link = service.home.current / "lexical" / "default"
    target = link.readlink()
    link.unlink()
    yield
    link.symlink_to(target)


@contextmanager
def model_corrupt(service: Service) -> Iterator[None]:
    """A truncated ranker takes the place of the one in use, which then stays in memory."""
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

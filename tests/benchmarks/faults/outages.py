"""Outages under load: `/rank` and `/search` get requests at a fixed rate.

Each run has one fault, which is repaired before the end of the run.  The run without a fault shows
the influence of a busy machine.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from feature_repo.home import CHECKOUT, Settings
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from pipelines.service.service_process import environment
from tests.benchmarks.faults.fault import Fault, Measured
from tests.benchmarks.http_load import open_loop
from tests.integration.http.small_shop import Service, kill_redis
from training.artifacts import current

CANDIDATES = 100
RATE = {"rank": 25.0, "search": 25.0}
SECONDS, FAULT_AT, REPAIRED_AFTER = 24.0, 4.0, 8.0
IN_TIME, LEAST_IN_TIME = 0.250, 0.99

Outage = Callable[[Service], AbstractContextManager[None]]


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


def under(service: Service, outage: Outage) -> Measured:
    """Measure the load of one run."""
    bodies = bodies_of(service)
    with ThreadPoolExecutor(len(bodies)) as pool:
        started = time.monotonic()
        loads = [
            pool.submit(open_loop, service.url + path, requests, rate, SECONDS)
            for (path, requests), rate in zip(bodies.items(), RATE.values(), strict=True)
        ]
        time.sleep(FAULT_AT)
        degraded: set[str] = set()
        with outage(service):
            while time.monotonic() - started < FAULT_AT + REPAIRED_AFTER:
                degraded |= degraded_stages(service, bodies)
                time.sleep(0.2)
        repaired = time.monotonic()
        while degraded_stages(service, bodies) and time.monotonic() - repaired < SECONDS:
            time.sleep(0.05)
        recovered = time.monotonic() - repaired
        done = [load.result() for load in loads]
    latencies = [seconds for load in done for seconds in load.latencies()]
    counts = Counter[int]()
    for load in done:
        counts.update({status: len(seconds) for status, seconds in load.seconds.items()})
    in_time = sum(seconds <= IN_TIME for seconds in latencies) / counts.total()
    return Measured(
        held=counts[200] == counts.total() and in_time >= LEAST_IN_TIME and recovered < SECONDS,
        text=f"{counts[200]} of {counts.total()} answered, {in_time:.1%} within {IN_TIME:g} s; "
        f"degraded: {', '.join(sorted(degraded)) or 'nothing'}; "
        f"recovered after {recovered:.1f} s",
    )


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
    """Nothing, for comparison."""
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
    subprocess.run(
        [Path(sys.executable).with_name("aisle"), "refresh", "--json"],
        cwd=CHECKOUT,
        env=environment(service.settings, 0),
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


def _outage(name: str, outage: Outage, test: str) -> Fault:
    """Declare an outage; its docstring is what is done."""
    return Fault(
        name=name,
        done=(outage.__doc__ or "").rstrip("."),
        expected=f"each request gets 200, {LEAST_IN_TIME:.0%} of them within {IN_TIME:g} s; "
        "recovers by itself",
        measure=lambda service: under(service, outage),
        test=f"tests/integration/http/test_http_{test}",
    )


FAULTS = (
    _outage(
        "none",
        nothing,
        "contract.py::test_an_answer_has_the_keys_of_the_contract_and_the_best_item_first",
    ),
    _outage(
        "Redis killed",
        killed,
        "recovery.py::test_without_redis_popularity_ranks_and_events_count_after_recovery",
    ),
    _outage(
        "Redis frozen",
        frozen,
        "recovery.py::test_a_frozen_redis_delays_one_request_and_no_later_one",
    ),
    _outage(
        "Redis empty",
        emptied,
        "recovery.py::test_a_redis_without_loaded_features_is_read_again_after_a_refresh",
    ),
    _outage(
        "index missing",
        index_missing,
        "damage.py::test_a_registry_survives_any_damage_and_loads_every_next_publication",
    ),
    _outage(
        "model corrupt",
        model_corrupt,
        "damage.py::test_a_damaged_publication_is_rejected_and_the_previous_version_stays",
    ),
)

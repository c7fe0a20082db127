"""Soak the service at half of its capacity: memory and open files must not grow.

python -m tests.benchmarks soak [MINUTES]

Rankings, searches and events arrive at a fixed rate, and a refresh runs every few minutes.  The
slope of the resident memory is fitted to the samples after the warm-up.
"""

import json
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from feature_repo.online.redis import running_redis
from pipelines.steps import refresh
from tests.benchmarks.bench_faults import DEPTH, SHOP, TREES
from tests.benchmarks.http_load import Load, closed_loop, open_loop
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service

MINUTES = 30.0
WARM_UP = 0.3
"""Share of the run before the slope is fitted: caches fill up."""

SLICE_SECONDS = 20.0
SAMPLE_SECONDS = 2.0
REFRESH_SECONDS = 240.0
EVENTS_A_BODY = 10
MOST_MIB_A_MINUTE = 1.0


def main(minutes: str = str(MINUTES)) -> dict[str, object]:
    """Return the slopes of memory and open files, and the answers by status."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        with running_redis(settings), run_service(settings) as service:
            service.eventually(lambda: service.rank(service.items[:9]).json()["degraded"] == [])
            return soak(service, float(minutes) * 60)


def soak(service: Service, seconds: float) -> dict[str, object]:
    """Load the service for a time, and measure its processes meanwhile."""
    rates = {path: rate / 2 / 3 for path, rate in _capacities(service).items()}
    samples: list[tuple[float, float, int]] = []
    done, began = threading.Event(), time.monotonic()
    statuses: dict[int, int] = {}
    with ThreadPoolExecutor(len(rates) + 2) as pool:
        watching = pool.submit(_sample, service, samples, done)
        refreshing = pool.submit(_refresh, service, done)
        while time.monotonic() - began < seconds:
            sys.stderr.write(f"{time.monotonic() - began:.0f} s, {_described(samples)}\n")
            loads = [
                pool.submit(
                    open_loop, service.url + path, _bodies(service)[path], rate, SLICE_SECONDS
                )
                for path, rate in rates.items()
            ]
            for load in loads:
                for status, latencies in load.result().seconds.items():
                    statuses[status] = statuses.get(status, 0) + len(latencies)
        done.set()
        watching.result()
        refreshes = refreshing.result()
    return {
        "what": f"half of the capacity for {seconds / 60:g} minutes, {refreshes} refreshes",
        "requests_a_second": {path: round(rate, 1) for path, rate in rates.items()},
        "answers": {str(status): number for status, number in sorted(statuses.items())},
        **_growth(samples),
    }


def _growth(samples: list[tuple[float, float, int]]) -> dict[str, object]:
    """Fit lines to memory and open files after the warm-up."""
    at, memory, files = (np.array(column, float) for column in zip(*samples, strict=True))
    late = at > at[-1] * WARM_UP
    slope = float(np.polyfit(at[late] / 60, memory[late], 1)[0])
    return {
        "rss_mib": [round(float(value), 1) for value in (memory[0], memory[late][0], memory[-1])],
        "rss_mib_a_minute": round(slope, 2),
        "open_files": [int(value) for value in (files[late].min(), files[late].max(), files[-1])],
        "open_files_a_minute": round(float(np.polyfit(at[late] / 60, files[late], 1)[0]), 2),
        "held": slope < MOST_MIB_A_MINUTE,
    }


def _capacities(service: Service) -> dict[str, float]:
    """Return the answers a second of each path, when it alone has two clients."""
    loads: dict[str, Load] = {
        path: closed_loop(service.url + path, bodies, 2, 200)
        for path, bodies in _bodies(service).items()
    }
    return {path: len(load.latencies()) / load.wall for path, load in loads.items()}


def _bodies(service: Service) -> dict[str, list[bytes]]:
    users, items = service.users, service.items
    slates = [
        {"items": [{"id": item} for item in items[n : n + 100]], "user": user}
        for n, user in enumerate(users)
    ]
    words = ["red sneaker", "lamp", "blue", "boots under 50", "sofa", "green dress"]
    searches = [{"query": word, "user": user} for word in words for user in users[:20]]
    return {
        "/rank/default": [json.dumps(body).encode() for body in slates],
        "/search": [json.dumps(body).encode() for body in searches],
        "/events": [json.dumps([*_clicks(service)]).encode() for _ in range(200)],
    }


def _clicks(service: Service) -> Iterator[dict[str, object]]:
    now, users, items = service.clock.now(), service.users, service.items
    for n in range(EVENTS_A_BODY):
        yield {
            "kind": "interaction",
            "event_id": uuid.uuid4().hex,
            "event_time": now,
            "item_id": items[n % len(items)],
            "user_id": users[(now + n) % len(users)],
            "type": "click",
        }


def _sample(
    service: Service, samples: list[tuple[float, float, int]], done: threading.Event
) -> None:
    """Sample seconds, resident MiB and open files of the service's processes."""
    began = time.monotonic()
    while not done.wait(SAMPLE_SECONDS):
        processes = [psutil.Process(service.process.pid), *service.workers]
        memory = sum(process.memory_info().rss for process in processes) / 2**20
        files = sum(process.num_fds() for process in processes)
        samples.append((time.monotonic() - began, memory, files))


def _refresh(service: Service, done: threading.Event) -> int:
    number = 0
    while not done.wait(REFRESH_SECONDS):
        refresh(service.settings, wait=True)
        number += 1
    return number


def _described(samples: list[tuple[float, float, int]]) -> str:
    return f"{samples[-1][1]:.0f} MiB, {samples[-1][2]} files" if samples else "starting"

"""Measure every page of the console on two shops, and `/rank` next to an open console.

python -m tests.benchmarks console [demo] [large] [rank]

CPU is that of the process of the console, which also has the client that asks for the pages.  Each
page is asked for once more than it is measured: the first answer after a refresh computes the
figures that the next ones reuse, and is measured apart.

The large shop has 100,000 items and about five million impressions and interactions; AISLE_LARGE
names a home that has it already.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from statistics import median

import httpx
import numpy as np

from feature_repo.home import Home, Settings
from feature_repo.online.redis import running_redis
from pipelines.console.pages import PAGES
from tests.benchmarks.bench_serving import DEPTH, SHOP, TREES, Peer, aisle_bodies, slates_of, tree
from tests.benchmarks.http_load import closed_loop
from tests.benchmarks.measuring import pace
from tests.integration.http.consoles import ADDRESSES, console_client
from tests.integration.http.small_shop import build_home, publish_ranker, run_service

TIMES = 20
SHOPS: Mapping[str, Mapping[str, int]] = {
    "demo": {"users": 400, "items": 400, "days": 21},
    "large": {"users": 20_000, "items": 100_000, "days": 28},
}
LIMIT_MS = {"demo": 150, "large": 500}

REQUESTS, BLOCKS, CANDIDATES = 300, 8, 200
SECONDS_A_PAGE = 0.5


def main(*parts: str) -> dict[str, object]:
    """Measure the named parts, or all."""
    measured = {part: _shop(part) for part in SHOPS if not parts or part in parts}
    rank = {"rank": _rank()} if not parts or "rank" in parts else {}
    return {"pace_of_the_machine": pace(), "times": TIMES, **measured, **rank}


def _shop(name: str) -> dict[str, object]:
    with _home(name) as settings, running_redis(settings), run_service(settings) as service:
        assert service.eventually(lambda: service.rank([]).status_code == 200)
        with console_client(settings, service.url, wait=0.25) as client:
            pages = {page: _page(client, address) for page, address in ADDRESSES.items()}
    slowest = max(pages, key=lambda page: pages[page]["cpu_p95_ms"])
    return {
        "slowest": slowest,
        "cpu_p95_ms": pages[slowest]["cpu_p95_ms"],
        "limit_ms": LIMIT_MS[name],
        "pages": pages,
    }


@contextmanager
def _home(name: str) -> Iterator[Settings]:
    stored = os.environ.get("AISLE_LARGE")
    with tempfile.TemporaryDirectory() as folder:
        if name == "large" and stored:
            yield Settings(home=Home(Path(stored)), record_share=0.01)
            return
        settings = build_home(Path(folder) / "home", **SHOPS[name])
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        yield replace(settings, record_share=0.01)


def _page(client: httpx.Client, address: str) -> dict[str, float]:
    """Return the CPU of the first answer, and percentiles of the later ones, ms."""
    walls, cpus = [], []
    for _ in range(TIMES + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = client.get(address)
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
        assert answer.status_code == 200, answer.text
    return {
        "cpu_first_ms": round(cpus[0], 1),
        "wall_first_ms": round(walls[0], 1),
        "cpu_p50_ms": round(median(cpus[1:]), 1),
        "cpu_p95_ms": round(float(np.percentile(cpus[1:], 95)), 1),
        "wall_p50_ms": round(median(walls[1:]), 1),
        "wall_p95_ms": round(float(np.percentile(walls[1:], 95)), 1),
    }


def _rank() -> dict[str, object]:
    """Compare the CPU of the service for `/rank` alone and with pages between the requests."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        open_.enter_context(running_redis(settings))
        service = open_.enter_context(run_service(settings))
        bodies = aisle_bodies(slates_of(settings, (CANDIDATES,)))
        peer = Peer("aisle", f"{service.url}/rank/default", tree(service), bodies)
        client = open_.enter_context(console_client(settings, service.url, wait=0.25))
        closed_loop(peer.url, peer.bodies[CANDIDATES], 1, 2 * REQUESTS)
        cpu: dict[bool, list[float]] = {False: [], True: []}
        for block in range(2 * BLOCKS):
            is_open = block % 4 in (1, 2)
            cpu[is_open].append(_block(peer, client if is_open else None))
    alone, with_console = (median(cpu[is_open]) for is_open in (False, True))
    return {
        "what": f"/rank, {CANDIDATES} candidates, {TREES} trees",
        "cpu_ms": round(alone, 3),
        "cpu_ms_with_console": round(with_console, 3),
        "ratio": round(with_console / alone, 3),
    }


def _block(peer: Peer, client: httpx.Client | None) -> float:
    """Return the CPU of the service for an answer, ms; with a client, it opens pages meanwhile."""
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pages = pool.submit(_visit, client, done)
        before = peer.cpu()
        closed_loop(peer.url, peer.bodies[CANDIDATES], 1, REQUESTS)
        cpu = peer.cpu() - before
        done.set()
        pages.result()
    return 1000 * cpu / REQUESTS


def _visit(client: httpx.Client | None, done: threading.Event) -> None:
    """Open the pages one after the other, as a person who hurries, until the block is done."""
    for page in cycle(PAGES):
        if client is None or done.wait(SECONDS_A_PAGE):
            return
        client.get(f"/{page.path}")

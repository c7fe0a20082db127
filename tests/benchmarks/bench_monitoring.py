"""Compare the CPU of `/rank` with and without monitoring, in alternating blocks of one service.

python -m tests.benchmarks monitoring

A monitored block is followed by a scrape of `/metrics` with all quality figures: one for each
`REQUESTS` answers, as every 15 seconds at 20 answers a second.  The figures are measured by another
process, as `aisle refresh` does every ten minutes; its CPU is shared among the answers of these ten
minutes.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import httpx

from feature_repo.home import Clock
from feature_repo.online.redis import running_redis
from pipelines.steps import refresh
from tests.benchmarks.bench_serving import DEPTH, SHOP, TREES, Peer, aisle_bodies, slates_of, tree
from tests.benchmarks.http_load import closed_loop
from tests.benchmarks.measuring import pace
from tests.integration.http.small_shop import build_home, publish_ranker, run_service
from training.monitoring import Quality, measure_quality

REQUESTS, BLOCKS, CANDIDATES = 300, 8, 200
ANSWERS_A_SECOND, REFRESH_SECONDS = 20, 600
MEASUREMENTS = 5


def main() -> dict[str, object]:
    """Measure the blocks, and one measurement of quality."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        open_.enter_context(running_redis(settings))
        service = open_.enter_context(run_service(settings))
        slates = slates_of(settings, (CANDIDATES,))
        peer = Peer("aisle", f"{service.url}/rank/default", tree(service), aisle_bodies(slates))
        body = peer.bodies[CANDIDATES][0]
        before = _scores(service.http, body)
        closed_loop(peer.url, peer.bodies[CANDIDATES], 1, 2 * REQUESTS)
        refresh(settings, wait=True)
        quality = Quality.read(settings.home)
        assert quality is not None
        cpu: dict[bool, list[float]] = {False: [], True: []}
        for block in range(2 * BLOCKS):
            is_monitored = block % 4 in (1, 2)
            cpu[is_monitored].append(_block(peer, service.http, is_monitored))
        assert _scores(service.http, body) == before
        now = Clock.of(settings).now()
        measured = median(_seconds(lambda: measure_quality(settings.home, now)))
    plain, monitored = (median(cpu[is_monitored]) for is_monitored in (False, True))
    refreshed = 1000 * measured / (ANSWERS_A_SECOND * REFRESH_SECONDS)
    return {
        "pace_of_the_machine": pace(),
        "what": f"/rank, {CANDIDATES} candidates, {TREES} trees; {REQUESTS} answers a scrape",
        "samples": len(quality.samples),
        "rank_cpu_ms": round(plain, 3),
        "rank_cpu_ms_with_scrapes": round(monitored, 3),
        "measurement_cpu_s": round(measured, 2),
        "measurement_cpu_ms_an_answer": round(refreshed, 4),
        "ratio": round((monitored + refreshed) / plain, 4),
    }


def _scores(client: httpx.Client, body: bytes) -> list[dict[str, object]]:
    items: list[dict[str, object]] = client.post("/rank/default", content=body).json()["items"]
    return items


def _block(peer: Peer, client: httpx.Client, is_monitored: bool) -> float:
    """Return the CPU of the service for an answer, ms."""
    before = peer.cpu()
    closed_loop(peer.url, peer.bodies[CANDIDATES], 1, REQUESTS)
    if is_monitored:
        assert "aisle_quality_" in client.get("/metrics").text
    return 1000 * (peer.cpu() - before) / REQUESTS


def _seconds(call: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(MEASUREMENTS):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return seconds

"""Compare `/search` over HTTP before and after 10,000 changes of items, without a refresh.

python -m tests.benchmarks changed_items

Two services of equal homes answer the same searches in turn.  One of them received the changes:
prices, stocks, names and new items.  Afterwards a refresh of its home must leave totals and facets
as they are.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from feature_repo.home import Home
from feature_repo.online.redis import running_redis
from feature_repo.online.redis.server import stop
from pipelines.steps import refresh
from tests.benchmarks.bench_search import SIZE, bodies_of
from tests.benchmarks.bench_serving import Peer, tree
from tests.benchmarks.measuring import pace
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service

SHOP = {"users": 200, "items": 20_000, "days": 2}
TREES, DEPTH = 300, 6
CHANGES, BATCH = 10_000, 500
BLOCKS, REQUESTS = 15, 100
WORDS = ["velvet", "copper", "linen", "walnut"]


def main() -> dict[str, object]:
    """Measure latency and CPU of a page, in alternating blocks."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        unchanged = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(unchanged.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        changed = replace(unchanged, home=Home(Path(folder) / "copy" / "home"))
        stop(unchanged.home)
        shutil.copytree(unchanged.home.root, changed.home.root, symlinks=True)
        (changed.home.redis / "port").unlink(missing_ok=True)
        bodies, services = bodies_of(unchanged), {}
        for name, settings in (("unchanged", unchanged), ("changed", changed)):
            open_.enter_context(running_redis(settings))
            services[name] = open_.enter_context(run_service(settings))
        seconds = _send_changes(services["changed"])
        peers = {
            name: Peer(name, f"{service.url}/search", tree(service), {SIZE: bodies}, len(bodies))
            for name, service in services.items()
        }
        blocks: dict[str, list[dict[str, float | None]]] = {name: [] for name in peers}
        for _ in range(BLOCKS):
            for name, one in peers.items():
                blocks[name].append(one.closed(SIZE, 1, REQUESTS))
        before = _pages(services["changed"])
        refresh(changed)
        assert services["changed"].eventually(lambda: _changed(services["changed"]) == 0, 120)
        assert _pages(services["changed"]) == before
    return {
        "what": f"/search, {SHOP['items']} items, {CHANGES} changes, {TREES} trees",
        "applied_seconds": round(seconds, 2),
        "p50_ms": {name: median(_values(each, "p50_ms")) for name, each in blocks.items()},
        "cpu_ms": {name: median(_values(each, "cpu_ms")) for name, each in blocks.items()},
        "p50_ratio": _ratio(blocks, "p50_ms"),
        "cpu_ratio": _ratio(blocks, "cpu_ms"),
        "pace": pace(),
    }


def _send_changes(service: Service) -> float:
    """Send the changes; return the seconds until the last is in the lists."""
    events, started = [*_events(service.clock.now())], time.perf_counter()
    for start in range(0, CHANGES, BATCH):
        body = b"\n".join(json.dumps(event).encode() for event in events[start : start + BATCH])
        answer = service.http.post("/events", content=body).json()
        assert (answer["accepted"], answer["quarantined"]) == (BATCH, [])
    assert service.eventually(lambda: _changed(service) == CHANGES, 120)
    return time.perf_counter() - started


def _events(now: int) -> Iterator[dict[str, object]]:
    """Yield changes of different items: a tenth are new, a fifth have another name."""
    chance = np.random.default_rng(5)
    for n in range(CHANGES):
        word = WORDS[n % len(WORDS)]
        changes: list[dict[str, object]] = [
            {"title": f"{word} shoes {n}", "category": "shoes", "price": 20.0, "stock": 3.0},
            {"title": f"{word} jacket"},
            {"title": f"blue {word} bag"},
            *[{"price": float(chance.integers(5, 200))}] * 4,
            *[{"stock": float(chance.integers(0, 9))}] * 3,
        ]
        kind = n % len(changes)
        item_id = f"new{n:05d}" if kind == 0 else f"i{n:05d}"
        event = {"kind": "item", "event_id": f"changed-{n}", "item_id": item_id}
        yield {**event, "event_time": now, "op": "upsert", "fields": changes[kind]}


def _changed(service: Service) -> float:
    return service.metric("aisle_changed_items")


def _pages(service: Service) -> list[tuple[int, object]]:
    """Return totals and facets of queries without clicks, which a refresh would load."""
    pages = [
        service.search(f"{word} {noun}", filters=filters).json()
        for word in WORDS
        for noun in ("shoes", "jacket", "bag")
        for filters in ({}, {"price": {"max": 60}}, {"category": "shoes"})
    ]
    assert not any(page["degraded"] for page in pages)
    return [(page["total"], page["facets"]) for page in pages]


def _values(blocks: list[dict[str, float | None]], name: str) -> list[float]:
    return [value for block in blocks if (value := block[name]) is not None]


def _ratio(blocks: dict[str, list[dict[str, float | None]]], name: str) -> float:
    """Return the median over the blocks of changed to unchanged, paired."""
    changed, unchanged = (_values(blocks[each], name) for each in ("changed", "unchanged"))
    ratios = [one / other for one, other in zip(changed, unchanged, strict=True)]
    return round(median(ratios), 3)

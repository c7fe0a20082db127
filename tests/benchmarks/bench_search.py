"""Measure `/search` over HTTP in a shop of 50,000 items, by stage and relative to an echo.

python -m tests.benchmarks search

One client waits for each answer.  Queries and users come from the simulated log.  CPU counts all
processes of a server; the echo only decodes the body and answers a page of the same length.
"""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from feature_repo.home import Settings
from feature_repo.online.redis import running_redis
from tests.benchmarks.bench_serving import Peer, peer, stages_of, tree
from tests.benchmarks.measuring import process_peak_mb
from tests.integration.http.small_shop import build_home, publish_ranker, run_service

SHOP = {"users": 400, "items": 50_000, "days": 3}
TREES, DEPTH, SIZE = 300, 6, 24
MAX_QUERIES = 200
REQUESTS = {"aisle": 300, "echo": 1000}
STAGES = ("interpret", "retrieve", "merge", "hydrate", "score", "rerank")


def main() -> dict[str, object]:
    """Measure CPU and latency of a page, and the mean time by stage."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        open_.enter_context(running_redis(settings))
        bodies = bodies_of(settings)
        aisle = open_.enter_context(run_service(settings))
        server = Peer("aisle", f"{aisle.url}/search", tree(aisle), {SIZE: bodies})
        pages = [aisle.http.post("/search", content=body).json() for body in bodies]
        assert not any(page["degraded"] for page in pages)
        echo = open_.enter_context(peer(settings, "Echo", {SIZE: bodies}, Path(folder)))
        echo = replace(echo, url=echo.url.replace("/rank", "/search"))
        closed = {
            each.name.lower(): each.closed(SIZE, 1, REQUESTS[each.name.lower()])
            for each in (server, echo)
        }
        stages = stages_of(aisle, server, SIZE, STAGES, "search")
    return {
        "what": f"/search, {SHOP['items']} items, {len(bodies)} queries, {TREES} trees",
        "closed_loop": closed,
        "stages_ms": stages,
        "found_median": float(np.median([page["total"] for page in pages])),
        "peak_mb_of_the_client": round(process_peak_mb()),
    }


def bodies_of(settings: Settings) -> list[bytes]:
    """Return searches of the log, with query, user and market of each."""
    files = str(settings.home.log / "compacted" / "ranking" / "**" / "*.parquet")
    rows = duckdb.execute(
        "select query, user_id, market from read_parquet(?) where query is not null"
        f" and user_id is not null order by hash(request_id) limit {MAX_QUERIES}",
        [files],
    ).fetchall()
    return [
        json.dumps({"query": query, "user": user, "market": market, "size": SIZE}).encode()
        for query, user, market in rows
    ]

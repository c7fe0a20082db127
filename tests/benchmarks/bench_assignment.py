"""Compare the CPU of `/rank` with experiments and without, in turns on one process.

python -m tests.benchmarks assignment

A layer with an A/B test of two copies of one ranker, which gives every user a variant, a layer that
concerns lists alone, and a holdout are declared or not.  Both ways must give equal scores.  The
cost of HTTP is left out, so the share of assignment is an upper bound.  A third way interleaves the
two rankers, which score both.
"""

import asyncio
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from feature_repo.online.redis import running_redis
from serving.contract import RankBody, body_reader
from serving.flow import Resources, answer
from tests.benchmarks.bench_serving import DEPTH, SHOP, TREES, aisle_bodies, slates_of
from tests.integration.http.small_shop import build_home, publish_ranker

SIZE, ROUNDS = 200, 40
BOUND = 0.02
"""Largest share of the CPU of a request."""

LISTS = """
[[experiment]]
name = "lists"
layer = "lists"
variant = [{ name = "control" }, { name = "other", sources = { newest = 2.0 } }]
"""
RANKERS = """
holdout = 0.02
[[experiment]]
name = "rankers"
layer = "ranking"
KIND
variant = [{ name = "control" }, { name = "copy", model = "copy" }]
"""
WAYS = {
    "without": "",
    "assigned": RANKERS.replace("KIND", "") + LISTS,
    "interleaved": RANKERS.replace("KIND", 'kind = "interleaving"') + LISTS,
}

Scores = list[dict[str, float]]


def main() -> dict[str, object]:
    """Return the CPU of a request in each way, and its share over that without experiments."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(
            build_home(Path(folder) / "home", **SHOP), record_share=0.0, patience=100.0
        )
        for name in ("default", "copy"):
            publish_ranker(settings.home, Path(folder) / name, name, depth=DEPTH, trees=TREES)
        with running_redis(settings):
            bodies = aisle_bodies(slates_of(settings, (SIZE,)))[SIZE]
            requests = [body_reader(RankBody)(body) for body in bodies]
            seconds = asyncio.run(_measured(Resources.open(settings), requests))
    shares = {
        way: median(one / base - 1 for one, base in zip(each, seconds["without"], strict=True))
        for way, each in seconds.items()
    }
    assert shares["assigned"] <= BOUND, shares
    return {
        "what": f"/rank without HTTP, {SIZE} candidates, {TREES} trees, {ROUNDS} paired rounds",
        "cpu_ms": {way: round(1000 * median(each), 3) for way, each in seconds.items()},
        "share_of_cpu": {way: round(share, 4) for way, share in shares.items()},
    }


async def _measured(resources: Resources, requests: list[RankBody]) -> dict[str, list[float]]:
    """Return the CPU seconds of a request by way and round."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    await resources.start()
    try:
        scores = {way: (await _round(resources, way, requests))[1] for way in WAYS}
        assert scores["without"] == scores["assigned"] == scores["interleaved"]
        for number in range(ROUNDS):
            ways = list(WAYS) if number % 2 else list(WAYS)[::-1]
            for way in ways:
                seconds[way].append((await _round(resources, way, requests))[0])
    finally:
        await resources.close()
    return seconds


async def _round(resources: Resources, way: str, requests: list[RankBody]) -> tuple[float, Scores]:
    """Answer all requests in one way; return the CPU seconds of one, and the scores of all."""
    path = resources.settings.home.root / "experiments.toml"
    path.write_text(WAYS[way])
    resources.experiments.reload()
    started = time.thread_time()
    answers = [await answer(resources, "default", request) for request in requests]
    spent = (time.thread_time() - started) / len(requests)
    assert all(not each.degraded for each in answers)
    assert any(each.experiments for each in answers) == (way != "without")
    return spent, [{item.item: item.score for item in each.items} for each in answers]

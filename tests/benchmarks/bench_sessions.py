"""Compare `/rank` for a user with `/rank` for the user and a session, over HTTP.

python -m tests.benchmarks sessions

One service answers the same slates in turn: for a user alone, with a session that is linked to the
user, and with an open session, whose clicks count too.  CPU includes that of Redis.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median

import duckdb
import numpy as np

from feature_repo.home import Settings
from feature_repo.online.redis import RedisAddress, redis_client, running_redis
from feature_repo.online.redis.server import ensure_redis
from tests.benchmarks.bench_serving import (
    SHOP,
    Peer,
    aisle_bodies,
    round_trips,
    slates_of,
    tree,
)
from tests.benchmarks.measuring import pace
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service

SIZE, TREES, DEPTH = 200, 300, 6
BLOCKS, REQUESTS = 25, 120
SHOWN, CLICKED = 20, 3
"""Items that an open session was shown, and how many of them it clicked."""

ALONE, LINKED, OPEN = "user", "user and linked session", "user and open session"
CLICKS = "user_engagement__clicks_all"

Slates = list[dict[str, object]]


def main() -> dict[str, object]:
    """Measure latency and CPU in alternating blocks, after the features agree."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        settings = replace(build_home(Path(folder) / "home", **SHOP), record_share=0.01)
        publish_ranker(settings.home, Path(folder) / "ranker", depth=DEPTH, trees=TREES)
        open_.enter_context(running_redis(settings))
        address = ensure_redis(settings)
        service = open_.enter_context(run_service(settings))
        slates = _slates(settings)
        _visit(service, slates[OPEN])
        _assert_agree(service, slates)
        blocks = _blocks(service, address, slates)
        trips = {
            name: round_trips(settings, address, {SIZE: each}) for name, each in slates.items()
        }
    return {
        "what": f"/rank, {SIZE} of {SHOP['items']} items, {TREES} trees",
        "p50_ms": {name: _median(each, "p50_ms") for name, each in blocks.items()},
        "cpu_ms": {name: _median(each, "cpu_ms") for name, each in blocks.items()},
        "p50_ratio": _ratios(blocks, "p50_ms"),
        "cpu_ratio": _ratios(blocks, "cpu_ms"),
        "redis_round_trips_a_request": trips,
        "pace": pace(),
    }


def _slates(settings: Settings) -> dict[str, Slates]:
    """Return the same slates for each kind of shopper."""
    rows = duckdb.execute(
        "select user_id, arg_max(session_id, event_time) from read_parquet(?)"
        " where user_id is not null and session_id is not null group by 1",
        [f"{settings.home.log}/compacted/ranking/**/*.parquet"],
    ).fetchall()
    own = dict(rows)
    alone = slates_of(settings, (SIZE,))[SIZE]
    return {
        ALONE: alone,
        LINKED: [{**slate, "session": own[slate["user"]]} for slate in alone],
        OPEN: [{**slate, "session": f"open-{n}"} for n, slate in enumerate(alone)],
    }


def _visit(service: Service, slates: Slates) -> None:
    """Let each open session be shown items and click some of them."""
    for slate in slates:
        session, items = slate["session"], slate["items"][:SHOWN]
        shown = {"request_id": f"shown-{session}", "session_id": session, "items": items}
        times = {"kind": "ranking", "event_id": f"{session}", "event_time": service.clock.now()}
        assert service.http.post("/events", json={**times, **shown}).json()["accepted"] == 1
        for item in items[:CLICKED]:
            assert service.click(item, session_id=session)[1].json()["accepted"] == 1


def _assert_agree(service: Service, slates: Mapping[str, Slates]) -> None:
    """Check that a linked session changes no feature of the user, and an open one adds clicks."""
    for alone, owned, open_ in list(zip(*slates.values(), strict=True))[:3]:
        of_user, with_linked, with_open = (
            _features(service, slate) for slate in (alone, owned, open_)
        )
        for name, values in of_user.items():
            np.testing.assert_allclose(with_linked[name], values, 1e-4, 1e-6, err_msg=name)
        np.testing.assert_array_equal(with_open[CLICKS], np.array(of_user[CLICKS]) + CLICKED)


def _features(service: Service, slate: dict[str, object]) -> dict[str, Sequence[float]]:
    """Return the values of each feature by candidate; some change with time."""
    query = [{"name": "query", "value": slate["query"]}]
    shopper = {name: slate[name] for name in ("user", "session") if name in slate}
    by_item = service.explain(slate["items"], fields=query, **shopper)
    rows = [by_item[item] for item in slate["items"]]
    return {name: [np.nan if row[name] is None else row[name] for row in rows] for name in rows[0]}


def _blocks(
    service: Service, address: RedisAddress, slates: Mapping[str, Slates]
) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each block, by kind of shopper."""
    peers = {
        name: Peer(
            name, f"{service.url}/rank/default", tree(service), aisle_bodies({SIZE: each}), 4
        )
        for name, each in slates.items()
    }
    blocks: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    with redis_client(address) as client:

        def redis_ms() -> float:
            cpu = client.info("cpu")
            return 1000 * (cpu["used_cpu_user"] + cpu["used_cpu_sys"])

        for name, peer in chain(peers.items(), BLOCKS * [*peers.items()]):
            before = redis_ms()
            block = peer.closed(SIZE, 1, REQUESTS)
            block["cpu_ms"] += (redis_ms() - before) / REQUESTS
            assert not block["refused"]
            blocks[name].append(block)
    return {name: each[1:] for name, each in blocks.items()}


def _median(blocks: Sequence[Mapping[str, float]], figure: str) -> float:
    return round(median(block[figure] for block in blocks), 3)


def _ratios(blocks: Mapping[str, Sequence[Mapping[str, float]]], figure: str) -> dict[str, float]:
    """Return the median over the blocks of each kind of shopper to the user alone, paired."""
    return {
        name: round(
            median(
                block[figure] / alone[figure]
                for block, alone in zip(blocks[name], blocks[ALONE], strict=True)
            ),
            3,
        )
        for name in (LINKED, OPEN)
    }

"""Fill the caches and queues of a service with the largest entries that its limits accept."""

import json
import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from feature_repo.events.contract.values import LONGEST_ID, LONGEST_SLATE, LONGEST_TEXT
from feature_repo.home import CHECKOUT
from feature_repo.online.redis import running_redis
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.fuzzing import memory
from tests.integration.http.small_shop import Service, build_home, publish_ranker, run_service

ITEMS, ITEMS_A_BODY, TEXTS = 4_000, 80, 5
ROUNDS, CLICKS = 400, 100
_STATED = re.compile(r"\*\*some (\d+) MB, beside the program")
"""The sum of the limits of a process in `docs/operating.md`."""


def stated_megabytes() -> int:
    """Return the sum of the limits that the docs state."""
    stated = _STATED.search((CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8"))
    assert stated is not None, "docs/operating.md: expected the sum of the limits, found none"
    return int(stated[1])


def filled(_: Service) -> Measured:
    """Send a new service only requests with new ids and words."""
    with tempfile.TemporaryDirectory() as folder:
        settings = build_home(Path(folder) / "home")
        publish_ranker(settings.home, Path(folder) / "ranker")
        with running_redis(settings), run_service(settings) as service:
            service.eventually(lambda: service.rank(service.items[:9]).json()["degraded"] == [])
            return _filled(service)


def _filled(service: Service) -> Measured:
    before, rng = memory(service), random.Random(17)
    ids = [_id(rng, f"item-{n}") for n in range(ITEMS)]
    sizes, statuses, started = [0.0], set[int](), time.monotonic()
    for at in range(0, ITEMS, ITEMS_A_BODY):
        body = [*_new_items(rng, ids[at : at + ITEMS_A_BODY], service.clock.now())]
        statuses.add(service.http.post("/events", content=json.dumps(body)).status_code)
    for number in range(ROUNDS):
        listed = rng.sample(ids, LONGEST_SLATE // 2)
        unknown = [_id(rng, f"unknown-{number}-{n}") for n in range(LONGEST_SLATE // 2)]
        user, text = _id(rng, f"user-{number}"), _words(rng, LONGEST_ID)
        fields = [{"name": "query", "value": text}]
        ranked = service.rank([*listed, *unknown], user=user, fields=fields)
        searched = service.search(_words(rng, LONGEST_ID), user=user)
        reported = service.http.post("/events", json=[*_clicks(rng, ids, user, service)])
        statuses |= {answer.status_code for answer in (ranked, searched, reported)}
        if number % 10 == 0:
            sizes.append(memory(service) - before)
    late = sizes[len(sizes) * 2 // 3 :]
    limit = stated_megabytes() * len(service.workers)
    return Measured(
        held=max(sizes) < limit and statuses == {200},
        text=f"{ITEMS} items and {ROUNDS} rounds in {time.monotonic() - started:.0f} s: at most "
        f"{max(sizes):+.0f} MB, {late[-1] - late[0]:+.0f} MB in the last third; "
        f"statuses {', '.join(map(str, sorted(statuses)))}",
    )


def _new_items(rng: random.Random, ids: list[str], now: int) -> Iterator[dict[str, object]]:
    for n, item_id in enumerate(ids):
        texts = {f"text{k}": _words(rng, LONGEST_TEXT) for k in range(TEXTS)}
        fields = {"title": _words(rng, LONGEST_ID), "price": n + 0.5, **texts}
        yield {
            "kind": "item",
            "event_id": f"new-{n}-{item_id[:99]}",
            "event_time": now,
            "item_id": item_id,
            "op": "upsert",
            "fields": fields,
        }


def _clicks(
    rng: random.Random, ids: list[str], user: str, service: Service
) -> Iterator[dict[str, object]]:
    for item_id in rng.sample(ids, CLICKS):
        yield {
            "kind": "interaction",
            "event_id": _id(rng, "click"),
            "event_time": service.clock.now(),
            "item_id": item_id,
            "user_id": user,
            "type": "click",
        }


def _id(rng: random.Random, start: str) -> str:
    """Return an id of the greatest length."""
    return f"{start}-{rng.randbytes(LONGEST_ID).hex()}"[:LONGEST_ID]


def _words(rng: random.Random, length: int) -> str:
    """Return a text of words that no other text has."""
    return " ".join(rng.randbytes(5).hex() for _ in range(length // 11))


FAULTS = (
    Fault(
        "memory filled",
        f"{ITEMS:,} items with long texts, then {ROUNDS:,} rankings of {LONGEST_SLATE:,} items, "
        "searches and bodies of clicks, with ids of the greatest length that are never the same",
        "each request is answered; memory grows by less than the sum of the limits in "
        "[operating.md](operating.md#memory-and-redis)",
        filled,
        "tests/serving/test_caches.py::test_every_large_cache_is_listed_with_its_limit",
    ),
)

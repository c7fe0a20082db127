"""The promise: what was served is, bit for bit, what training computes for the same instant."""

import random
import threading

import httpx
import pytest

from feature_repo.clock import Clock
from feature_repo.config import Settings
from feature_repo.events.ingest import ingest
from feature_repo.home import Home
from feature_repo.instants import HOUR
from feature_repo.online.redis_server import running_redis
from feature_repo.shop import SIMULATED_SHOP
from pipelines.refresh import refresh
from pipelines.service_process import free_port, serving
from tests.e2e.busy_shop import BusyShop
from tests.e2e.recorded_vectors import compare, recorded
from tests.integration.http.small_shop import publish_ranker
from training.publish import publish_popularity
from training.ranker import Ranker
from training.simulator import simulate

MORE_FIELDS = """
[[item]]
name = "tags"
type = "list"

[[item]]
name = "in_stock"
type = "bool"

[[item]]
name = "back_at"
type = "time"
"""


@pytest.fixture
def settings(tmp_path):
    """A home on the morning after nine simulated days: no midnight falls into the session."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.shop_toml.write_text(SIMULATED_SHOP.read_text() + MORE_FIELDS)
    source = simulate(tmp_path / "events.jsonl", users=12, items=30, days=9, seed=5)
    told = Settings(home=home, clock="2026-01-14T09:00:00Z", record_share=1.0)
    ingest([source], home=home, clock=Clock.of(told))
    with running_redis(told) as address:
        yield Settings(home=home, redis_url=address.url, record_share=1.0)


def work_while_refreshing(settings, shop):
    """Refresh beside a shop that goes on; gives how much it did meanwhile."""
    reports, steps = [], 0
    beside = threading.Thread(target=lambda: reports.append(refresh(settings)))
    beside.start()
    while beside.is_alive() and steps < 400:
        shop.step()
        steps += 1
    beside.join()
    assert reports
    return steps


def a_busy_day(settings, url, seed):
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        items = [f"i{n:05d}" for n in range(30)]
        shop = BusyShop(
            http, Clock.of(settings), random.Random(seed), items, [f"u{n:05d}" for n in range(12)]
        )
        for _ in range(2):
            for _ in range(100):
                shop.step()
            assert work_while_refreshing(settings, shop) > 10
        for _ in range(60):
            shop.step()
        shop.flush()
    return shop


def test_what_was_served_and_logged_is_what_training_computes(settings, tmp_path):
    home = settings.home
    refresh(settings)
    publish_popularity(home, name="default")
    publish_ranker(home, tmp_path / "ranker")
    with serving(settings, settings.redis_url, port=free_port()) as client:
        shop = a_busy_day(settings, client.url, seed=1)
    refresh(settings)

    prior = Ranker.load(home.current / "ranker" / "default").prior
    events = recorded(home)
    found = compare(home, events, prior)
    moved = compare(home, events, prior, shift=-HOUR)
    print(found.requests, found.vectors, found.features, shop.done, shop.degraded)
    print(found.examples)
    print(moved.differing)

    assert found.differing == {}, found.examples

"""Online reads before and after the time of a pending event."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import redis

from feature_repo.events.contract import InteractionEvent
from feature_repo.events.log import EventLog
from feature_repo.shop import Shop
from serving.features.redis_connection import READ_TIMEOUT_SECONDS, RedisConnection
from serving.query import Query
from tests.feature_repo.online.conftest import SetClock
from tests.integration.http.small_shop import read_once

SOON = SetClock().instant + 1000

CONNECTED = """
import sys
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Settings
from feature_repo.shop import Shop
from serving.features.redis_connection import RedisConnection
from serving.http.endpoints import ENDPOINTS

settings = Settings.from_environment()
clock, shop = Clock.of(settings), Shop.load(settings.home.shop_toml)
RedisConnection.open(settings, shop, EventLog(settings.home, clock), clock).replay()
print([name for name in ("feast", "fastapi", "sqlalchemy") if name in sys.modules])
"""
"""What a worker imports and connects to before it answers."""


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def connection(redis_settings, clock):
    home = redis_settings.home
    shop, log = Shop.load(home.shop_toml), EventLog(home, clock)
    settings = replace(redis_settings, patience=1.0)
    opened = RedisConnection.open(settings, shop, log, clock)
    opened.replay()
    ahead = InteractionEvent(
        event_id="e1", event_time=SOON, received_at=clock.now(), item_id="i", type="click"
    )
    assert opened.apply([ahead]) == ["held"]
    return opened


def read(connection, t):
    return read_once(connection, Query("r", t, item_ids=["i"]))


def clicks(connection, t):
    return read(connection, t).items["item_engagement__clicks_all"]


def test_a_pending_event_counts_strictly_after_its_time(connection, clock):
    clock.instant = SOON + 500

    assert np.isnan(clicks(connection, SOON)).all()
    assert clicks(connection, SOON + 1).tolist() == [1]


def test_a_read_overtaken_by_a_pending_event_has_a_later_instant(connection, clock):
    clock.instant = SOON + 500
    assert connection.apply_due_events() == 1

    facts = read(connection, SOON)

    assert facts.t == SOON + 500
    assert facts.items["item_engagement__clicks_all"] == [1]


def test_a_pending_event_and_a_frozen_server_delay_a_read_by_its_own_timeout(connection, clock):
    clock.instant = SOON + 500
    process = connection.client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(redis.TimeoutError, match=f"{READ_TIMEOUT_SECONDS:g} s"):
            read(connection, SOON + 1)
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_worker_does_not_import_feast(redis_settings):
    addresses = {"AISLE_HOME": redis_settings.home.root, "REDIS_URL": redis_settings.redis_url}

    run = subprocess.run(
        [sys.executable, "-c", CONNECTED],
        env={**os.environ, **{name: str(value) for name, value in addresses.items()}},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.splitlines()[-1] == "[]"

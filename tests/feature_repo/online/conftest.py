"""A home whose live state and rows are stored in a real Redis."""

from contextlib import closing
from dataclasses import dataclass

import pytest

from feature_repo.events.log import EventLog
from feature_repo.feast_repo import render
from feature_repo.home import DAY, Clock, Home, Settings
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import LiveWriter
from feature_repo.online.redis import RedisAddress, redis_client
from feature_repo.shop import Shop
from tests.scale import seconds

TIMEOUT_SECONDS = seconds(5)
"""Long, so that other load on the machine fails no test."""


@dataclass
class SetClock(Clock):
    """A clock that returns the instant it is set to."""

    instant: int = 20_000 * DAY

    def now(self) -> int:
        return self.instant


@dataclass
class Room:
    """One home's log, writer and reader."""

    home: Home
    shop: Shop
    address: RedisAddress
    clock: SetClock

    def __post_init__(self) -> None:
        Clock.of(Settings(self.home))  # A log without a stored clock is refused.
        self.client = redis_client(self.address, timeout=TIMEOUT_SECONDS)
        self.log = EventLog(self.home, self.clock)
        self.reader = OnlineReader(self.home, self.shop, self.client)
        self.writer = self.new_writer()

    def new_writer(self) -> LiveWriter:
        return LiveWriter(self.home, self.shop, self.client, self.log, self.clock, self.reader)

    def take(self, *events):
        """Log events and apply them."""
        with closing(self.log.writer()) as segment:
            logged = segment.append(list(events))
        return self.writer.apply(logged)


@pytest.fixture
def room(home, redis_address):
    render(home, redis_address)
    room = Room(home, Shop.load(home.shop_toml), redis_address, SetClock())
    yield room
    room.client.close()

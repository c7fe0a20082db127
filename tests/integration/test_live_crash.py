"""Live state with two writer processes, and after Redis was killed."""

import os
import random
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from feature_repo.events.log import encode_event
from feature_repo.feast_repo import render
from feature_repo.home import DAY, Settings
from feature_repo.online.redis import running_redis
from feature_repo.online.redis.server import status
from feature_repo.shop import Shop
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.online.histories import (
    ITEMS,
    NOW,
    QUERIES,
    USERS,
    assert_reads,
    click,
    ranking,
)

WRITER = """
import sys
from pathlib import Path
from feature_repo.home.clock import Clock
from feature_repo.home.settings import Settings
from feature_repo.events.log.log import EventLog
from feature_repo.events.log.segments import decode_event
from feature_repo.home.home import Home
from feature_repo.online.live.writer import LiveWriter
from feature_repo.online.redis.server import RedisAddress, redis_client
from feature_repo.shop.schema import Shop
home, clock = Home(Path(sys.argv[1])), Clock()
client = redis_client(RedisAddress.local(int(sys.argv[2])), timeout=60)
shop = Shop.load(home.shop_toml)
writer = LiveWriter(home, shop, client, EventLog(home, clock), clock)
events = [decode_event(line) for line in sys.stdin]
for n in range(0, len(events), 7):
    print(*writer.apply(events[n : n + 7]), sep="\\n")
"""


def history(seed, size):
    """Return a month of `size` events of a few shoppers, in order."""
    chance = random.Random(seed)
    events = []
    for n in range(size):
        at = NOW - 30 * DAY + n * 30 * DAY // size
        request = f"r{chance.randrange(size // 2)}"
        if chance.random() < 0.4:
            items = chance.sample(ITEMS, chance.randint(1, 3))
            user, query = chance.choice(USERS), chance.choice([None, *QUERIES])
            events.append(
                ranking(f"e{n}", at, items, request_id=request, user_id=user, query=query)
            )
        else:
            user = chance.choice([None, *USERS])
            events.append(
                click(f"e{n}", at, chance.choice(ITEMS), user_id=user, request_id=request)
            )
    return events


@pytest.fixture
def room(home):
    """A room with a separate server, which a test may kill."""
    settings = Settings(home=home)
    with running_redis(settings) as address:
        render(home, address.host, address.port)
        room = Room(home, Shop.load(home.shop_toml), address, SetClock())
        yield room
        room.client.close()


def start_writer(room, events):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(room.home.root), str(room.address.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    return process, b"".join(encode_event(event) + b"\n" for event in events)


def test_two_processes_apply_the_same_events_in_different_orders_once(room):
    events = history(seed=7, size=300)
    orders = [random.Random(seed).sample(events, len(events)) for seed in (1, 2)]

    writers = [start_writer(room, order) for order in orders]
    for process, lines in writers:
        process.stdin.write(lines)
        process.stdin.close()
    outcomes = [word for process, _ in writers for word in process.stdout.read().split()]

    for process, _ in writers:
        process.stdout.close()
        assert process.wait() == 0
    assert sorted(outcomes) == [b"applied"] * 300 + [b"duplicate"] * 300
    assert_reads(room, events)


def test_a_replay_restores_the_state_lost_by_a_killed_redis(room):
    events = history(seed=8, size=120)
    with closing(room.log.writer()) as segment:
        segment.append(events)
    room.writer.apply(events[:100])
    server = status(Settings(home=room.home))["pid"]

    os.kill(server, signal.SIGKILL)
    with running_redis(Settings(home=room.home)) as again:
        restarted = Room(room.home, room.shop, again, room.clock)
        restarted.writer.replay()

        assert again.port == room.address.port
        assert_reads(restarted, events)
        restarted.client.close()

"""Live state of users and sessions with two writer processes, and after Redis was killed."""

import os
import random
import signal
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from feature_repo.events.contract import InteractionEvent, RankingEvent, ShownItem, UserEvent
from feature_repo.events.log import encode_event
from feature_repo.feast_repo import render
from feature_repo.home import DAY, Settings
from feature_repo.online.redis import running_redis
from feature_repo.online.redis.server import status
from feature_repo.shop import Shop
from tests.feature_repo import identity_reference as reference
from tests.feature_repo.online import visits
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
client = redis_client(RedisAddress.parse(sys.argv[2]), timeout=60)
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


def shared_devices(seed, size):
    """Return a month of visits: `size` events with links, log-outs and merges, in order."""
    chance = random.Random(seed)
    events = []
    for n in range(size):
        at = NOW - 30 * DAY + n * 30 * DAY // size
        times = {"event_id": f"e{n:03d}", "event_time": at, "received_at": at}
        user, other = chance.sample(reference.USERS, 2)
        session, request = chance.choice(reference.SESSIONS), f"r{chance.randrange(size // 2)}"
        named = {"session_id": session, "user_id": chance.choice([None, None, None, user])}
        match chance.choice(["link", "unlink", *["click"] * 9, *["ranking"] * 6]):
            case "ranking":
                shown = chance.sample(reference.ITEMS, chance.randint(1, 3))
                items = tuple(map(ShownItem, shown))
                events.append(RankingEvent(**times, **named, request_id=request, items=items))
            case "click":
                item, named_request = chance.choice(reference.ITEMS), chance.choice([None, request])
                clicked = {"item_id": item, "type": "click", "request_id": named_request}
                events.append(InteractionEvent(**times, **named, **clicked))
            case op:
                events.append(UserEvent(**times, user_id=user, op=op, session_id=session))
    at = NOW - DAY
    times = {"event_id": "merge", "event_time": at, "received_at": at}
    return [*events, UserEvent(**times, user_id=user, op="merge", from_user_id=other)]


@contextmanager
def opened(home):
    """Open a room with a separate server, which a test may kill."""
    settings = Settings(home=home)
    with running_redis(settings) as address:
        render(home, address)
        room = Room(home, Shop.load(home.shop_toml), address, SetClock())
        yield room
        room.client.close()


@pytest.fixture
def room(home):
    with opened(home) as room:
        yield room


@pytest.fixture
def visited(home):
    """A room with the fields of items that the reference of identities reads."""
    home.root.mkdir()
    home.shop_toml.write_text(visits.SHOP)
    with opened(home) as room:
        yield room


def start_writer(room, events):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(room.home.root), room.address.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    return process, b"".join(encode_event(event) + b"\n" for event in events)


def applied_by_two(room, events):
    """Let two processes apply the events in different orders; return all outcomes, sorted."""
    orders = [random.Random(seed).sample(events, len(events)) for seed in (1, 2)]
    writers = [start_writer(room, order) for order in orders]
    for process, lines in writers:
        process.stdin.write(lines)
        process.stdin.close()
    outcomes = [word for process, _ in writers for word in process.stdout.read().split()]
    for process, _ in writers:
        process.stdout.close()
        assert process.wait() == 0
    return sorted(outcomes)


def test_two_processes_apply_the_same_events_in_different_orders_once(room):
    events = history(seed=7, size=300)

    outcomes = applied_by_two(room, events)

    assert outcomes == [b"applied"] * 300 + [b"duplicate"] * 300
    assert_reads(room, events)


def test_two_processes_apply_links_and_merges_in_different_orders_once(visited):
    events = shared_devices(seed=7, size=149)
    with closing(visited.log.writer()) as segment:
        segment.append(events)

    outcomes = applied_by_two(visited, events)

    assert outcomes == [b"applied"] * 150 + [b"duplicate"] * 150
    visits.assert_reads(visited.reader, events, NOW)


@contextmanager
def restarted(room):
    """Kill the room's server, start another, and open the room again."""
    os.kill(status(Settings(home=room.home))["pid"], signal.SIGKILL)
    with running_redis(Settings(home=room.home)) as again:
        assert again.port == room.address.port
        new = Room(room.home, room.shop, again, room.clock)
        yield new
        new.client.close()


def test_a_replay_restores_the_state_lost_by_a_killed_redis(room):
    events = history(seed=8, size=120)
    with closing(room.log.writer()) as segment:
        segment.append(events)
    room.writer.apply(events[:100])

    with restarted(room) as again:
        again.writer.replay()

        assert_reads(again, events)


def test_a_replay_restores_links_and_merges_lost_by_a_killed_redis(visited):
    events = shared_devices(seed=8, size=99)
    with closing(visited.log.writer()) as segment:
        segment.append(events)
    visited.writer.apply(events[:80])

    with restarted(visited) as again:
        again.writer.replay()

        visits.assert_reads(again.reader, events, NOW)

"""A system clock that goes back, or was ahead at a seal, loses and hides no acknowledged event."""

import pyarrow as pa
import pytest

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import InteractionEvent
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, HOUR, Clock, Settings, parse_instant
from feature_repo.offline.feast import features_at
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from tests.feature_repo.online.conftest import Room

NOON = parse_instant("2024-10-04T12:00:00Z")
COUNTS = ("item_engagement__clicks_7d", "item_engagement__clicks_all")


@pytest.fixture
def start(home, redis_address):
    """Returns a function that starts another process of the home, with the given system clock."""
    rooms = []

    def at(instant):
        clock = Clock.of(Settings(home))
        clock.system_now = lambda: instant
        repository.render(home, redis_address)
        rooms.append(Room(home, Shop.load(home.shop_toml), redis_address, clock))
        return rooms[-1]

    yield at
    for room in rooms:
        room.client.close()


def click(room, event_id, event_time):
    """Send a click; return its acknowledged form."""
    event = InteractionEvent(event_id=event_id, event_time=event_time, item_id="i", type="click")
    assert room.take(event) == ["applied"]
    return room.log.interaction(event_id)


def load(room):
    """Seal, compact, transform, load and prune, as a refresh does; return the seal."""
    sealed_at = room.log.seal()
    room.log.compact()
    transform(room.home, room.clock.now())
    repository.apply(room.home)
    repository.materialize(room.home, room.clock.now())
    room.writer.prune(room.log.seals().part_of(sealed_at))
    return sealed_at


def live(room, t):
    context = room.reader.read(user_id=None, query_key=None, item_ids=["i"], t=t)
    return [context.items[name][0] for name in COUNTS]


def joined(room, t):
    at = pa.array([t], pa.timestamp("us", tz="UTC"))
    catalogue = Catalogue.of(room.home)
    table = features_at(
        repository.open_store(room.home),
        catalogue,
        pa.table({"item_id": ["i"], "event_timestamp": at}),
        [catalogue.view("item_engagement")],
    )
    return [table[name][0].as_py() for name in COUNTS]


@pytest.mark.parametrize("ahead", [0, DAY])
def test_events_are_seen_live_and_loaded_after_the_clock_went_back(start, ahead):
    before = start(NOON + ahead)
    click(before, "c1", NOON - HOUR)
    sealed_at = load(before)
    unsealed = click(before, "c2", NOON - HOUR)

    after = start(NOON - HOUR)
    late = click(after, "c3", NOON - HOUR)
    t = after.clock.now()
    counts = live(after, t)

    assert sealed_at < unsealed.received_at < late.received_at < t < NOON + ahead + HOUR
    assert counts == [3, 3]
    assert load(after) > t
    assert live(after, after.clock.now()) == joined(after, t) == counts

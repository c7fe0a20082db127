"""Counts are exact at any instant between loads: tiles, join and brute force agree."""

import shutil
import threading
from functools import partial
from itertools import repeat

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import query_key
from feature_repo.feast_repo import render
from feature_repo.home import DAY, HOUR, MINUTE, Home
from feature_repo.online.codec import load_tiles
from feature_repo.online.hydration.merge import counters
from feature_repo.online.redis import LiveKeys
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import COUNTER_VIEWS
from tests.feature_repo.histories import Rows, counts, deltas, over_histories
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.online.histories import click, ranking

SHOPS = 8
"""Independent shops in one log: several histories for the cost of one."""

ITEMS, USERS, QUERIES = ("a", "b"), ("u", "v"), ("red shoes", "hats")
TYPES = ("click", "view", "add_to_cart", "purchase", "purchase")
VALUES = (None, 19.9, 0.005, 87654321.09, 9_999_999_999.0, 1e12)
LATENESS = [0, 0, 0, 0, 1, HOUR, DAY, 3 * DAY, 8 * DAY, 45 * DAY, -2 * MINUTE]
WAITS = [1, HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 700 * DAY]
TO_MIDNIGHT = 0
ENTITIES = {
    "item": [f"s{shop}-{item}" for shop in range(SHOPS) for item in ITEMS],
    "user": [f"s{shop}-{user}" for shop in range(SHOPS) for user in USERS],
    "query": [query_key(f"s{shop} {q}", f"m{shop}") for shop in range(SHOPS) for q in QUERIES],
}

chances = st.tuples(
    st.integers(0, SHOPS - 1),
    st.sampled_from(["ranking", "ranking", "click", "click", "correction", "retry"]),
    st.sampled_from(LATENESS),
    st.integers(0, 10**6),
)
steps = st.lists(
    st.tuples(st.just("take"), st.lists(chances, min_size=1, max_size=25))
    | st.tuples(st.just("wait"), st.sampled_from([*WAITS, TO_MIDNIGHT]))
    | st.tuples(st.just("seal"), st.none())
    | st.tuples(
        st.just("load"), st.sampled_from(["once", "twice at once", "half", "older sums", "prune"])
    )
    | st.tuples(st.just("rebuild"), st.none()),
    min_size=3,
    max_size=14,
)


class Play:
    """One log with its live state, its loads and the list of its events."""

    def __init__(self, room):
        self.room = room
        self.events = {}
        self.sealed = None
        self.reads = []

    def tick(self, by=1):
        self.room.clock.instant += by
        self.room.writer.release_held()

    def play(self, steps):
        for verb, detail in steps:
            self.tick()
            getattr(self, verb)(detail)
            self.tick()
            self.read()

    def wait(self, by):
        self.tick(by or DAY - self.room.clock.instant % DAY)

    def events_of(self, shop):
        return [e for e in self.events.values() if e.event_id.startswith(f"s{shop}-")]

    def new_event(self, shop, kind, lateness, chance):
        now = self.room.clock.instant
        names = {
            "event_id": f"s{shop}-{len(self.events)}",
            "at": now - lateness,
            "received_at": now,
            "request_id": f"s{shop}-r{chance % 3}",
            "user_id": (None, *(f"s{shop}-{u}" for u in USERS))[chance // 3 % 3],
        }
        earlier = self.events_of(shop)
        if kind == "retry" and earlier:
            return msgspec.structs.replace(earlier[chance % len(earlier)], received_at=now)
        if kind == "ranking":
            query = (None, *(f"s{shop} {q}" for q in QUERIES))[chance // 18 % 3]
            few = chance // 9 % 3 if query else 1 + chance // 9 % 2
            items = [f"s{shop}-{item}" for item in ITEMS][:few]
            return ranking(items=items, query=query, market=f"m{shop}", **names)
        if kind == "correction" and earlier:
            names["corrects"] = earlier[chance // 18 % len(earlier)].event_id
        names["type"] = TYPES[chance // 180 % len(TYPES)]
        names["value"] = VALUES[chance // 900 % len(VALUES)]
        return click(item=f"s{shop}-{ITEMS[chance // 9 % 2]}", **names)

    def take(self, chances):
        events = []
        for chance in chances:
            event = self.new_event(*chance)
            self.events.setdefault(event.event_id, event)
            events.append(event)
        self.room.take(*events)

    def seal(self, _=None):
        log, home = self.room.log, self.room.home
        self.sealed = log.seal()
        log.compact()
        older = home.root / "older"
        shutil.rmtree(older, ignore_errors=True)
        if (home.features / "_tiles").exists():
            shutil.copytree(home.features / "_tiles", older)
        transform(home, self.room.clock.now())

    def load(self, how):
        if self.sealed is None:
            return
        folder = self.room.home.features / "_tiles"
        if how == "older sums":
            folder = self.room.home.root / "older"
        views = COUNTER_VIEWS[:1] if how == "half" else COUNTER_VIEWS
        loads = [
            threading.Thread(target=partial(self.load_views, folder, views))
            for _ in range(2 if how == "twice at once" else 1)
        ]
        for load in loads:
            load.start()
        for load in loads:
            load.join()
        if how == "prune":
            self.room.writer.prune(self.room.log.seals().part_of(self.sealed))

    def load_views(self, folder, views):
        keys = LiveKeys.of(self.room.home)
        for view in views:
            load_tiles(self.room.client, keys, view, folder / view.name, 0)

    def rebuild(self, _=None):
        self.load("once")
        self.room.writer.flush()
        self.room.writer.replay()

    def read(self):
        """Record the current values of every entity."""
        now = self.room.clock.instant
        for view in COUNTER_VIEWS:
            entities = ENTITIES[view.entity]
            names = [LiveKeys.of(self.room.home).tile(view.name, entity) for entity in entities]
            counted = [counters(view, tile, now) for tile in self.room.client.mget(names)]
            self.reads += zip(repeat(view), entities, repeat(now), counted)


def differences(play):
    """Return reads that differ from the raw events or from the join."""
    changes = deltas(list(play.events.values()))
    play.tick()
    play.seal()
    seals, features = play.room.log.seals(), play.room.home.features
    rows = {view.name: Rows(features / view.name, view.key) for view in COUNTER_VIEWS}
    for view, entity, now, counted in play.reads:
        joined = rows[view.name].at(entity, now)
        joined = joined and {name: joined[name] for name in (*view.features, "part")}
        expected = counts(changes[view.name].get(entity, []), view.measures, now, seals)
        if not counted == expected == joined:
            yield view.name, entity, now, {"tile": counted, "join": joined, "events": expected}


@over_histories(each=SHOPS, usually=64)
@given(steps)
def test_tiles_join_and_events_agree_at_any_instant(tmp_path_factory, shared_redis, steps):
    home = Home(tmp_path_factory.mktemp("windows") / "home")
    render(home, shared_redis)
    room = Room(home, Shop.load(home.shop_toml), shared_redis, SetClock())
    room.client.flushall()
    play = Play(room)

    play.play(steps)

    assert list(differences(play)) == []
    room.client.close()

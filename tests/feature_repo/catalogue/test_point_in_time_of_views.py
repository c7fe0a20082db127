"""What is known at an instant is one thing: read live, joined from rows, or worked out by hand.

Events are sent in the order in which they come, some twice; loads happen in between; what a request
reads is noted on the way, and compared at the end.  A batch view is compared as of the last load.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import ItemEvent, query_key
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, HOUR, Home
from feature_repo.offline.feast import features_at
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import COUNTER_VIEWS
from tests.feature_repo.histories import (
    clicks,
    counts,
    deltas,
    first_seen,
    history,
    item_fields,
    over_histories,
    user_fields,
    write_shop,
)
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.references import (
    chosen,
    examined,
    group,
    happened_in,
    midnights,
    recent,
    usual,
)

SHOPS = 20
"""Independent shops in one log: a history each, for the price of one."""

NAMES = [f"s{n:02d}" for n in range(SHOPS)]
SHOP = """
name = "known"
[[item]]
name = "kind"
type = "category"
role = "category"
[[item]]
name = "tags"
type = "list"
[[user]]
name = "age"
type = "number"
[[user]]
name = "device"
type = "category"
"""
ASKED = (("u", "red shoes", "uk"), ("v", "RED shoes", "de"))
COUNTERS = {view.name: view for view in COUNTER_VIEWS}
SILENCES = (1, HOUR, DAY, 7 * DAY, 29 * DAY, 30 * DAY, 900 * DAY)


def of_its_own(event):
    """An item's event whose category is that of no other shop."""
    if isinstance(event, ItemEvent) and event.fields.get("kind"):
        return structs.replace(event, fields={"kind": event.item_id[:3]})
    return event


shops = st.tuples(*(history(name, least=1) for name in NAMES)).map(
    lambda told: sorted(
        (of_its_own(event) for events in told for event in events),
        key=lambda event: (event.received_at, event.event_id),
    )
)
pauses = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["read", "load"])), max_size=6)


@dataclass
class Story:
    """One log and its live state, what happened, and what was read of whom at which instant."""

    room: Room
    events: dict = field(default_factory=dict)
    loaded_at: int = 0
    reads: list = field(default_factory=list)

    def events_of(self, shop):
        return [event for event in self.events.values() if event.event_id.startswith(f"{shop}-")]

    def pass_time(self, until):
        self.room.clock.instant = max(until, self.room.clock.instant + 1)
        self.room.writer.release_held()

    def send(self, event, *, twice):
        self.pass_time(event.received_at)
        for _ in range(2 if twice else 1):
            sent = structs.replace(event, received_at=self.room.clock.now())
            self.events.setdefault(event.event_id, sent)
            self.room.take(sent)
            self.pass_time(0)

    def load(self):
        """What a refresh does."""
        sealed_at = self.room.log.seal()
        self.room.log.compact()
        self.pass_time(0)
        transform(self.room.home, self.room.clock.now())
        repository.apply(self.room.home)
        repository.materialize(self.room.home, self.room.clock.now())
        self.room.writer.prune(self.room.log.seals().part_of(sealed_at))
        self.loaded_at = self.room.clock.now()
        self.pass_time(0)

    def read(self):
        t = self.room.clock.now()
        for shop in NAMES:
            items = [f"{shop}{item}" for item in "abc"]
            for user, query, market in ASKED:
                key = query_key(f"{shop}{query}", f"{shop}{market}")
                found = self.room.reader.read(
                    user_id=f"{shop}{user}",
                    query_key=key,
                    item_ids=items,
                    t=t,
                    market=f"{shop}{market}",
                )
                known = {"user": found.user, "query": found.query_row, "market": found.market_row}
                for number, item in enumerate(items):
                    of_item = {name: values[number] for name, values in found.items.items()}
                    keys = (item, f"{shop}{user}", key, f"{shop}{market}")
                    self.reads.append((t, self.loaded_at, keys, known | {"item": of_item}))


def by_hand(events, view, entity, t):
    """What a view says of an entity at t, from raw events; None where it knows nothing."""
    if view in COUNTERS:
        found = counts(deltas(events)[view].get(entity, []), COUNTERS[view].measures, t)
        return found and {name: found[name] for name in COUNTERS[view].features}
    if view in BATCH:
        events = [event for event in events if event.seen_at < t]
        last = max(midnights(events, t), default=0)
        return BATCH[view](events, entity, last)
    return LIVE[view](events, entity, t)


def clicked_items(events, query, midnight):
    if not any(q == query and e.seen_at < midnight for e, _, _, _, q in clicks(events)):
        return None
    keys, weights = chosen(events, query, midnight)
    return {"clicked_item_keys": keys, "clicked_item_weights": weights}


def market(events, name, midnight):
    return usual([*happened_in(events, name)], midnight)


def percentiles(events, item, midnight):
    engaged = any(at < midnight for _, _, at, _ in deltas(events)["item_engagement"].get(item, []))
    if not engaged and attributes(events, item, midnight) is None:
        return None
    items, shown, clicked = group(events, item, midnight)
    return {
        "examined_impressions": examined(events, item, midnight),
        "category_items": items,
        "category_impressions": shown,
        "category_clicks": clicked,
    }


def attributes(events, item, t):
    told = [e for e in events if isinstance(e, ItemEvent) and e.item_id == item and e.seen_at < t]
    if not told:
        return None
    newest = max(told, key=lambda e: (e.seen_at, e.event_id))
    fields = item_fields(events, item, before=t)
    return {
        "kind": fields.get("kind"), "tags": fields.get("tags"),
        "is_deleted": newest.op == "delete",
    }  # fmt: skip


def of_user(events, user, t):
    declared = ("age", "device")
    fields = user_fields(events, user, t, declared)
    return fields and {name: fields.get(name) for name in declared}


LIVE = {
    "user_recent": recent,
    "item_attributes": attributes,
    "user_attributes": of_user,
    "user_first_seen": first_seen,
}
BATCH = {
    "query_clicked_items": clicked_items,
    "item_percentiles": percentiles,
    "market_baseline": market,
}


def plain(value):
    """A value as Python has it; None for a missing one."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return None if isinstance(value, float) and np.isnan(value) else value


def said(row, view, names):
    if not row.get(f"{view}__present"):
        return None
    return {name: plain(row[f"{view}__{name}"]) for name in names}


def joined(story, views, instants):
    """What Feast's historical join gives for each read at its instant."""
    names = ("item_id", "user_id", "query_key", "market")
    keys = [dict(zip(names, keys, strict=True)) for _, _, keys, _ in story.reads]
    table = pa.Table.from_pylist(keys).append_column(
        "event_timestamp", pa.array(instants, pa.timestamp("us", tz="UTC"))
    )
    home = story.room.home
    return features_at(repository.open_store(home), Catalogue.of(home), table, views).to_pylist()


def differences(story):
    """Where the three disagree."""
    story.load()
    views = Catalogue.of(story.room.home).views
    live = [view for view in views if view.name not in BATCH]
    daily = [view for view in views if view.name in BATCH]
    at_t = joined(story, live, [t for t, *_ in story.reads])
    at_load = joined(story, daily, [loaded for _, loaded, *_ in story.reads])
    known = cache(lambda shop, *asked: by_hand(story.events_of(shop), *asked))
    for (t, loaded, keys, found), *rows in zip(story.reads, at_t, at_load, strict=True):
        entities = dict(zip(("item", "user", "query", "market"), keys, strict=True))
        for view in views:
            kind, is_daily = view.entities[0], view in daily
            instant = loaded if is_daily else t
            expected = known(keys[0][:3], view.name, entities[kind], instant)
            names = expected or [feature.name for feature in view.features[:1]]
            told = [said(row, view.name, names) for row in (found[kind], rows[is_daily])]
            if told != [expected, expected]:
                yield view.name, entities[kind], instant, told, expected


@over_histories(each=SHOPS, usually=40)
@given(shops, pauses, st.sets(st.integers(0, 200)), st.sampled_from(SILENCES))
def test_live_and_joined_and_worked_out_agree(
    tmp_path_factory, shared_redis, events, pauses, repeated, silence
):
    home = Home(tmp_path_factory.mktemp("known") / "home")
    write_shop(home, SHOP)
    repository.render(home, shared_redis.host, shared_redis.port)
    room = Room(home, Shop.load(home.shop_toml), shared_redis, SetClock(instant=1))
    room.client.flushall()
    story = Story(room)

    for number, event in enumerate(events):
        story.send(event, twice=number in repeated)
        for at, what in pauses:
            if at == number:
                getattr(story, what)()
                story.read()
    story.pass_time(room.clock.now() + silence)
    story.read()

    assert list(differences(story)) == []
    room.client.close()

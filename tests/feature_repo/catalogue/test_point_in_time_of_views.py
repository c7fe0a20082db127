"""Live reads, historical joins and a reference from raw events give the same values.

Events are sent in order of arrival, some twice, with loads in between.  Each read is recorded and
compared at the end; a batch view is compared as of the last load.  Views of sessions are compared
in `test_identities.py` and `test_visits.py`, that of arms in `test_live_bandits.py`.
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
    is_deleted,
    item_fields,
    over_histories,
    user_fields,
    write_shop,
)
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.references import (
    bought,
    chosen,
    examined,
    group,
    market_changes,
    market_totals,
    midnights,
    recent,
)

SHOPS = 20
"""Independent shops in one log: one story checks a history of each."""

NAMES = [f"s{n:02d}" for n in range(SHOPS)]
SHOP = """
name = "compared"
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
REQUESTS = (("u", "red shoes", "uk"), ("v", "RED shoes", "de"))
COUNTERS = {view.name: view for view in COUNTER_VIEWS}
SILENCES = (1, HOUR, DAY, 7 * DAY, 29 * DAY, 30 * DAY, 900 * DAY)


def with_own_category(event):
    """Return an item's event with a category that no other shop has."""
    if isinstance(event, ItemEvent) and event.fields.get("kind"):
        return structs.replace(event, fields={"kind": event.item_id[:3]})
    return event


shops = st.tuples(*(history(name, least=1) for name in NAMES)).map(
    lambda histories: sorted(
        (with_own_category(event) for events in histories for event in events),
        key=lambda event: (event.received_at, event.event_id),
    )
)
pauses = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["read", "load"])), max_size=6)


@dataclass
class Story:
    """One log and its live state, its events, and the reads of each entity and instant."""

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
        """Seal, compact, transform, load and prune, as a refresh does."""
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
            for user, query, market in REQUESTS:
                key = query_key(f"{shop}{query}", f"{shop}{market}")
                context = self.room.reader.read(
                    user_id=f"{shop}{user}",
                    query_key=key,
                    item_ids=items,
                    t=t,
                    market=f"{shop}{market}",
                )
                rows = {
                    "user": context.user,
                    "query": context.query_row,
                    "market": context.market_row,
                }
                for number, item in enumerate(items):
                    of_item = {name: values[number] for name, values in context.items.items()}
                    keys = (item, f"{shop}{user}", key, f"{shop}{market}")
                    self.reads.append((t, self.loaded_at, keys, rows | {"item": of_item}))


def reference(events, view, entity, t):
    """Return a view's values of an entity at t, from raw events; None without a row."""
    if view in COUNTERS:
        row = counts(deltas(events)[view].get(entity, []), COUNTERS[view].measures, t)
        return row and {name: row[name] for name in COUNTERS[view].features}
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
    return market_totals([*market_changes(events, name)], midnight)


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
    deleted = is_deleted(events, item, before=t)
    if deleted is None:
        return None
    fields = item_fields(events, item, before=t)
    return {"kind": fields.get("kind"), "tags": fields.get("tags"), "is_deleted": deleted}


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
    "user_purchases": bought,
    "item_percentiles": percentiles,
    "market_baseline": market,
}


def plain(value):
    """Convert a value to plain Python; None for a missing one."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return None if isinstance(value, float) and np.isnan(value) else value


def values_of(row, view, names):
    if not row.get(f"{view}__present"):
        return None
    return {name: plain(row[f"{view}__{name}"]) for name in names}


def joined(story, views, instants):
    """Return the row of Feast's historical join for each read at its instant."""
    names = ("item_id", "user_id", "query_key", "market")
    keys = [dict(zip(names, keys, strict=True)) for _, _, keys, _ in story.reads]
    table = pa.Table.from_pylist(keys).append_column(
        "event_timestamp", pa.array(instants, pa.timestamp("us", tz="UTC"))
    )
    home = story.room.home
    return features_at(repository.open_store(home), Catalogue.of(home), table, views).to_pylist()


def differences(story):
    """Yield the values that differ between live reads, historical joins and the reference."""
    story.load()
    elsewhere = (["session"], ["arm"])
    views = [v for v in Catalogue.of(story.room.home).views if v.entities not in elsewhere]
    live = [view for view in views if view.name not in BATCH]
    daily = [view for view in views if view.name in BATCH]
    at_t = joined(story, live, [t for t, *_ in story.reads])
    at_load = joined(story, daily, [loaded for _, loaded, *_ in story.reads])
    expected_of = cache(lambda shop, *key: reference(story.events_of(shop), *key))
    for (t, loaded, keys, live_rows), *rows in zip(story.reads, at_t, at_load, strict=True):
        entities = dict(zip(("item", "user", "query", "market"), keys, strict=True))
        for view in views:
            kind, is_daily = view.entities[0], view in daily
            instant = loaded if is_daily else t
            expected = expected_of(keys[0][:3], view.name, entities[kind], instant)
            names = expected or [feature.name for feature in view.features[:1]]
            pair = (live_rows[kind], rows[is_daily])
            values = [values_of(row, view.name, names) for row in pair]
            if values != [expected, expected]:
                yield view.name, entities[kind], instant, values, expected


@over_histories(each=SHOPS, usually=40)
@given(shops, pauses, st.sets(st.integers(0, 200)), st.sampled_from(SILENCES))
def test_live_historical_and_reference_values_agree(
    tmp_path_factory, shared_redis, events, pauses, repeated, silence
):
    home = Home(tmp_path_factory.mktemp("compared") / "home")
    write_shop(home, SHOP)
    repository.render(home, shared_redis)
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

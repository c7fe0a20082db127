"""A log that grows step by step between refreshes, and the features that follow from it."""

import shutil
from contextlib import closing
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
from hypothesis import strategies as st

from feature_repo.events.contract import (
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
)
from feature_repo.events.ingest.staging import Staged
from feature_repo.events.log import EventLog, digest
from feature_repo.home import DAY, HOUR, MINUTE, Clock, Home, Settings
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import counter_views, views_of

START = 19_000 * DAY
SHOP = """
name = "growing"
[[item]]
name = "kind"
type = "category"
role = "category"
[[item]]
name = "maker"
type = "category"
role = "brand"
[[item]]
name = "cost"
type = "number"
role = "price"
[[item]]
name = "tags"
type = "list"
[[user]]
name = "device"
type = "category"
[[user]]
name = "points"
type = "number"
"""
SHOPS = 6
"""Independent shops in one log: one refresh checks a history of each."""

ITEMS, USERS, QUERIES = ("a", "b", "c"), (None, "u", "v"), (None, "red shoes", "hats")
SESSIONS = (None, "x", "x", "y")
TYPES = ("click", "view", "add_to_cart", "purchase", "purchase")
VALUES = (None, 19.9, 0.005, 87654321.09, 1e12)
FIELDS = (
    {"kind": "x", "cost": 3.5},
    {"kind": "y", "maker": "m"},
    {"maker": "n", "tags": ["p", "q"]},
    {"kind": None},
    {"cost": 1 / 3, "kind": "x"},
    {},
)
USER_FIELDS = (
    {"device": "phone"},
    {"device": None, "points": 2.5},
    {"points": "7"},
    {"other": 1},
    {},
)
LATENESS = (0, 0, 0, 0, 1, HOUR, DAY, 3 * DAY, 8 * DAY, 45 * DAY, -2 * MINUTE)
WAITS = (0, 1, HOUR, HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 400 * DAY)
KINDS = (
    "ranking",
    "ranking",
    "click",
    "click",
    "click",
    "correction",
    "retry",
    "item",
    "delete",
    "user",
    "user",
    "link",
    "unlink",
    "merge",
)

chances = st.tuples(
    st.integers(0, SHOPS - 1),
    st.sampled_from(KINDS),
    st.sampled_from(LATENESS),
    st.integers(0, 10**6),
)
batches = st.lists(chances, max_size=25)
waits = st.sampled_from(WAITS)
growth = st.lists(st.tuples(batches, waits, waits), min_size=2, max_size=5)
"""For each refresh: the events before it, the wait before the seal, and the wait after it."""


@dataclass
class SetClock(Clock):
    """A clock that returns the instant it is set to."""

    instant: int = START

    def now(self) -> int:
        return self.instant


@dataclass
class GrowingLog:
    """A home whose log the product's own code fills, seals and compacts."""

    home: Home
    clock: SetClock = field(default_factory=SetClock)
    events: dict = field(default_factory=dict)

    def __post_init__(self):
        Clock.of(Settings(self.home))  # A log without a stored clock is refused.
        self.log = EventLog(self.home, self.clock)
        self.home.shop_toml.write_text(SHOP)

    def grow(self, steps):
        """Append, wait, refresh and wait for each step; return the reports."""
        reports = []
        for chances, before, after in steps:
            self.take([self.event_of(*chance) for chance in chances])
            self.wait(before)
            reports.append(self.refresh())
            self.wait(after)
        return reports

    def wait(self, by):
        """Advance the clock; 0 advances it to the next midnight."""
        self.clock.instant += by or DAY - self.clock.instant % DAY

    def take(self, events):
        with closing(self.log.writer()) as segment:
            segment.append(events)

    def backfill(self, events):
        """Put events into the past."""
        with Staged(self.log, backfill=True) as staged:
            staged.write(events, [digest(event.event_id) for event in events])
            staged.commit()

    def refresh(self):
        self.log.seal()
        self.log.compact()
        return transform(self.home, self.clock.now())

    def event_of(self, shop, kind, lateness, chance):
        self.clock.instant += chance % 3
        event = self._event(shop, kind, lateness, chance)
        self.events.setdefault(event.event_id, event)
        return event

    def _event(self, shop, kind, lateness, chance):
        now, earlier = self.clock.instant, [*self._of(shop)]
        times = {
            "event_id": f"s{shop}-{(chance * 7919 + len(earlier)) % 10**7}",
            "event_time": max(now - lateness, 0),
            "received_at": now,
        }
        item = f"s{shop}-{ITEMS[chance % 3]}"
        if kind == "retry" and earlier:
            return msgspec.structs.replace(earlier[chance % len(earlier)], received_at=now)
        if kind in ("item", "delete"):
            op = "upsert" if kind == "item" else "delete"
            fields = FIELDS[chance // 3 % len(FIELDS)] if kind == "item" else {}
            return ItemEvent(**times, item_id=item, op=op, fields=fields)
        user, query = USERS[chance // 3 % 3], QUERIES[chance // 9 % 3]
        person, named = user and f"s{shop}-{user}", f"s{shop}-r{chance // 27 % 4}"
        session = SESSIONS[chance // 5400 % len(SESSIONS)]
        session = session and f"s{shop}-{session}"
        if kind in ("user", "link", "unlink", "merge"):
            return self._user_event(times, kind, f"s{shop}-", person, session, chance // 27)
        if kind == "ranking":
            candidates = (ITEMS, ITEMS[::-1], ITEMS[1:], ITEMS[:1], ())[chance // 108 % 5]
            shown = candidates if query else candidates or ITEMS
            return RankingEvent(
                **times,
                request_id=named,
                user_id=person,
                session_id=session,
                query=query and f"s{shop} {query}",
                market=f"m{shop % 3}",
                items=tuple(ShownItem(f"s{shop}-{name}") for name in shown),
            )
        corrects = earlier[chance // 108 % len(earlier)].event_id if earlier else None
        return InteractionEvent(
            **times,
            item_id=item,
            type=TYPES[chance // 108 % len(TYPES)],
            value=VALUES[chance // 540 % len(VALUES)],
            user_id=person,
            session_id=session,
            request_id=(named, None)[chance // 2700 % 4 == 0],
            corrects=corrects if kind == "correction" else None,
        )

    def _user_event(self, times, kind, prefix, person, session, chance):
        named = {"user_id": person or f"{prefix}w", "op": "upsert" if kind == "user" else kind}
        if kind == "user":
            named["fields"] = USER_FIELDS[chance % len(USER_FIELDS)]
        elif kind == "merge":
            into, merged = ("uv", "vw", "wu")[chance % 3]
            named |= {"user_id": f"{prefix}{into}", "from_user_id": f"{prefix}{merged}"}
        else:
            named["session_id"] = session or f"{prefix}x"
        return UserEvent(**times, **named)

    def _of(self, shop):
        return [e for e in self.events.values() if e.event_id.startswith(f"s{shop}-")]


def rebuilt(home, root):
    """Return another home with the same log and features rebuilt from the whole log."""
    other = Home(root)
    shutil.copytree(home.log, other.log)
    shutil.copy(home.shop_toml, other.shop_toml)
    assert transform(other, START).rebuilt
    return other


def rows(home):
    """Return all rows of every view and all tiles, by key and time."""
    return {name: table.to_pylist() for name, table in tables(home).items()}


def tables(home):
    """Return the rows as tables; instants are in µs."""
    specs = views_of(Shop.load(home.shop_toml))
    by_name = {spec.name: _table(home.features / spec.name) for spec in specs}
    for counter in counter_views():
        tiles = _table(home.features / "_tiles" / counter.name)
        newest = {key: row for row, key in enumerate(tiles[counter.key].to_pylist())}
        by_name[f"{counter.name} tiles"] = tiles.take(pa.array(newest.values(), pa.int64()))
    return by_name


def _table(folder):
    table = ds.dataset(folder, format="parquet").to_table()
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            instants = table[column.name].cast(pa.int64())
            table = table.set_column(index, column.name, instants)
    order = [(table.column_names[0], "ascending"), ("event_timestamp", "ascending")]
    return table.sort_by(order).combine_chunks()

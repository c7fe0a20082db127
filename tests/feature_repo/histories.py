"""Random histories of small shops, and their expected feature values in plain Python.

The reference reads raw events, without staging, windows in SQL, rows or joins.
"""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
    query_key,
)
from feature_repo.events.log import Seals, to_table
from feature_repo.home import DAY, HOUR, to_datetime
from tests.scale import examples

START = 18_900 * DAY
UNSEALED = Seals()
WINDOWS = {"1d": 1, "7d": 7, "30d": 30}

_TIMES = st.one_of(
    st.integers(0, 3 * DAY),
    st.sampled_from([0, 1, DAY - 1, DAY, DAY + 1, 7 * DAY - 1, 7 * DAY, 30 * DAY, 31 * DAY - 1]),
    st.integers(0, 40 * DAY),
    st.integers(0, 1500 * DAY),
).map(lambda offset: START + offset)
_DELAYS = st.sampled_from([0, 0, 0, 1, HOUR, DAY, 3 * DAY, 8 * DAY, 45 * DAY])
_ITEMS, _USERS, _QUERIES = ["a", "b", "c"], ["u", "v", None], ["red shoes", "RED  shoes", "", None]


@st.composite
def history(draw, prefix, least=0):
    """Draw one shop's events: late, ahead of their receipt, repeated, corrected, on the edges."""
    events = []
    for n in range(draw(st.integers(least, 14))):
        event_time = draw(_TIMES)
        received = max(
            event_time + draw(_DELAYS) - draw(st.sampled_from([0, 0, 0, 100_000_000])), 0
        )
        times = {"event_id": f"{prefix}-{n:02d}", "event_time": event_time, "received_at": received}
        events.append(draw(_event(times, prefix)))
    return events


@st.composite
def _event(draw, times, prefix):
    named = prefix + draw(st.sampled_from(["r1", "r2", "r3"]))
    user = draw(st.sampled_from(_USERS))
    person = None if user is None else prefix + user
    item = prefix + draw(st.sampled_from(_ITEMS))
    kind = draw(st.sampled_from(["ranking", "interaction", "interaction", "item", "user"]))
    if kind == "item":
        fields = draw(st.sampled_from([{"kind": "x"}, {"tags": ["p", "q"]}, {"kind": None}, {}]))
        op = draw(st.sampled_from(["upsert", "upsert", "delete"]))
        return ItemEvent(**times, item_id=item, op=op, fields=fields if op == "upsert" else {})
    if kind == "user":
        fields = draw(st.sampled_from([{"age": 7}, {"age": None, "device": "x"}, {"hat": 1}, {}]))
        return UserEvent(**times, user_id=person or f"{prefix}w", fields=fields)
    if kind == "ranking":
        query = draw(st.sampled_from(_QUERIES))
        slate = draw(st.lists(st.sampled_from(_ITEMS), min_size=not query, unique=True))
        return RankingEvent(
            **times,
            request_id=named,
            user_id=person,
            query=query and prefix + query,
            market=prefix + draw(st.sampled_from(["uk", "de"])),
            items=tuple(ShownItem(prefix + i) for i in slate),
        )
    return InteractionEvent(
        **times,
        item_id=item,
        type=draw(st.sampled_from([*POSITIVE_TYPES, "view", "wish"])),
        value=draw(st.sampled_from([None, 0.0, 19.9, 0.005, 12345678.91, 1e12])),
        user_id=person,
        request_id=draw(st.sampled_from([named, None])),
        corrects=draw(st.sampled_from([None, None, None, f"{prefix}-00", f"{prefix}-05", "?"])),
    )


SHOPS = (
    st.integers(4, 12)
    .flatmap(lambda n: st.tuples(*(history(f"s{k}") for k in range(n))))
    .map(lambda shops: [event for shop in shops for event in shop])
)


def by_shop(events):
    """Return the events of each of the independent shops of `SHOPS`."""
    shops = defaultdict(list)
    for event in events:
        shops[event.event_id.partition("-")[0]].append(event)
    return list(shops.values())


def over_histories(each: int, usually: int):
    """Check a property on `usually` random histories, `each` of them in one example."""
    configure = settings(
        max_examples=-(-examples(usually) // each), suppress_health_check=list(HealthCheck)
    )

    def decorate(test):
        return configure(pytest.mark.histories(test))

    return decorate


def write_log(home, events, seals=UNSEALED):
    """Write the compacted log and one seal after all events; return the seal."""
    groups = defaultdict(list)
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        kind = type(event).__struct_config__.tag
        part = seals.part_of(event.seen_at)
        groups[kind, to_datetime(event.seen_at + 1).date(), part].append(event)
    for (kind, day, part), group in groups.items():
        path = home.log / "compacted" / kind / f"day={day}" / f"part-{part:08d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(to_table(kind, group, seals.part_of), path)
    last = max((e.seen_at for e in events), default=START)
    home.log.mkdir(parents=True, exist_ok=True)
    (home.log / "seals").write_text(f"{last}\n")
    if not home.clock.exists():
        home.clock.write_text("0\n")
    return last


def write_shop(home, toml):
    home.root.mkdir(parents=True, exist_ok=True)
    home.shop_toml.write_text(toml)


class Rows:
    """The rows of one view, for as-of lookups."""

    def __init__(self, folder: Path, key: str):
        self._rows = defaultdict(list)
        table = ds.dataset(folder, format="parquet").to_table().sort_by("event_timestamp")
        for row, at in zip(
            table.to_pylist(), table["event_timestamp"].cast("int64").to_pylist(), strict=True
        ):
            self._rows[row[key]].append((at, row))

    def __len__(self):
        return sum(map(len, self._rows.values()))

    def at(self, entity, instant):
        rows = self._rows.get(entity, [])
        index = bisect_right(rows, instant, key=lambda row: row[0])
        return rows[index - 1][1] if index else None

    def instants(self):
        return {at for rows in self._rows.values() for at, _ in rows}


def impressions(events):
    """Return (event, item id, position) of the first impression of each request and item."""
    first = {}
    for event in _in_order(events, RankingEvent):
        for position, shown in enumerate(event.items):
            first.setdefault((event.request_id, shown.item_id), (event, shown.item_id, position))
    return list(first.values())


def searches(events):
    first = {}
    for event in _in_order(events, RankingEvent):
        first.setdefault(event.request_id, event)
    return first


def clicks(events):
    """Return (event, sign, bucket, user, query) of each positive interaction and correction."""
    return [change[:5] for change in interactions(events) if change[0].type in POSITIVE_TYPES]


def interactions(events):
    """Yield (event, sign, bucket, user, query, market) of interactions and corrections that count.

    A correction is yielded as the event that it corrects, with its own id and instant.
    """
    first, corrected = searches(events), corrections(events)
    for event in _in_order(events, InteractionEvent):
        if event.corrects is not None and event.event_id not in corrected:
            continue
        stated = corrected.get(event.event_id, event)
        ranking = first.get(stated.request_id)
        ranking = ranking if ranking and ranking.seen_at <= stated.seen_at else None
        own = {name: getattr(event, name) for name in ("event_id", "received_at", "corrects")}
        yield (
            replace(stated, event_time=event.event_time, **own),
            1 if event.corrects is None else -1,
            stated.event_time // DAY,
            stated.user_id or (ranking and ranking.user_id),
            ranking and query_key(ranking.query, ranking.market),
            ranking and ranking.market,
        )


def corrections(events):
    """Return correction's id → the event that it corrects: of each event, the first correction."""
    by_id = {event.event_id: event for event in events}
    corrected = {}
    for event in _in_order(events, InteractionEvent):
        named = by_id.get(event.corrects)
        is_right = isinstance(named, InteractionEvent) and named.corrects is None
        if is_right and named.seen_at <= event.seen_at and named not in corrected.values():
            corrected[event.event_id] = named
    return corrected


def changes_of(event, sign):
    """Return the nonzero deltas of an interaction, by measure."""
    money = round(event.value * 100) if event.value and event.value < 1e10 else 0
    bought = event.type == "purchase"
    changes = {
        "views": sign * (event.type == "view"),
        "clicks": sign * (event.type in POSITIVE_TYPES),
        "carts": sign * (event.type == "add_to_cart"),
        "orders": sign * bought,
        "revenue": sign * bought * money,
        "returns": bought * (sign < 0),
    }
    return {measure: delta for measure, delta in changes.items() if delta}


def deltas(events):
    """Return view → entity → [(measure, delta, seen_at, bucket)]."""
    by_view = {f"{entity}_engagement": defaultdict(list) for entity in ("item", "user", "query")}
    for event, item, _ in impressions(events):
        change = ("impressions", 1, event.seen_at, event.event_time // DAY)
        by_view["item_engagement"][item].append(change)
        by_view["user_engagement"][event.user_id].append(change)
    for event in searches(events).values():
        for measure in ("searches", *["zero_results"] * (not event.items)):
            change = (measure, 1, event.seen_at, event.event_time // DAY)
            by_view["query_engagement"][query_key(event.query, event.market)].append(change)
    for event, sign, bucket, user, query, _ in interactions(events):
        for measure, delta in changes_of(event, sign).items():
            change = (measure, delta, event.seen_at, bucket)
            by_view["item_engagement"][event.item_id].append(change)
            by_view["user_engagement"][user].append(change)
            if measure not in ("views", "returns"):
                by_view["query_engagement"][query].append(change)
    for entities in by_view.values():
        entities.pop(None, None)
    return by_view


def counts(changes, measures, instant, seals=UNSEALED):
    """Return the counts that a request at `instant` reads; None before the first event."""
    seen = [change for change in changes if change[2] < instant]
    if not seen:
        return None
    total = Counter()
    for measure, delta, _, bucket in seen:
        total[f"{measure}_all"] += delta
        for window, days in WINDOWS.items():
            total[f"{measure}_{window}"] += delta if bucket > instant // DAY - days else 0
    names = [f"{measure}_{window}" for measure in measures for window in (*WINDOWS, "all")]
    part = max(seals.part_of(seen_at) for _, _, seen_at, _ in seen)
    return {name: total[name] for name in names} | {"part": part}


def item_fields(events, item, before):
    """Return the item's raw fields strictly before an instant."""
    fields = {}
    for event in item_changes(events, item, before):
        if event.op == "upsert":
            fields |= json.loads(json.dumps(event.fields))
    return fields


def is_deleted(events, item, before):
    """Return whether the last of the item's events by event time deletes it; None without any."""
    changes = item_changes(events, item, before)
    return changes[-1].op == "delete" if changes else None


def item_changes(events, item, before):
    """Return the item's events that were seen before an instant, in the order they happened."""
    return _as_happened(events, ItemEvent, lambda e: e.item_id == item and e.seen_at < before)


def user_fields(events, user, before, declared):
    """Return the user's declared fields strictly before an instant; None without any."""
    upserts = _as_happened(events, UserEvent, lambda e: e.user_id == user and e.seen_at < before)
    fields = {}
    for event in upserts:
        fields |= {name: value for name, value in event.fields.items() if name in declared}
    return fields or None


def first_seen(events, user, before):
    """Return when a user's first event was seen; None if there is none before the instant."""
    named = [
        event
        for event in events
        if getattr(event, "user_id", None) == user
        and not (isinstance(event, UserEvent) and (event.op != "upsert" or not event.fields))
        and getattr(event, "corrects", None) is None
    ]
    seen = [event.seen_at for event in named if event.seen_at < before]
    return {"first_seen_at": min(seen)} if seen else None


def _as_happened(events, kind, is_chosen):
    chosen = [event for event in events if isinstance(event, kind) and is_chosen(event)]
    return sorted(chosen, key=lambda e: (e.event_time, e.seen_at, e.event_id))


def _in_order(events, kind):
    chosen = [event for event in events if isinstance(event, kind)]
    return sorted(chosen, key=lambda e: (e.seen_at, e.event_id))

"""Small histories of a shop, and their expected features computed in plain Python."""

from dataclasses import replace

import numpy as np
from msgspec import structs

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
    query_key,
)
from feature_repo.home import DAY

NOW = 20_000 * DAY
WINDOWS = {"1d": 1, "7d": 7, "30d": 30, "all": 10**6}
ITEMS, USERS, QUERIES = ("i1", "i2", "i3"), ("u1", "u2"), ("shoes", "Red Hats")


def click(event_id, at, item="i1", **more):
    return InteractionEvent(
        event_id=event_id,
        event_time=at,
        received_at=more.pop("received_at", at),
        item_id=item,
        type=more.pop("type", "click"),
        **more,
    )


def ranking(event_id, at, items=ITEMS, **more):
    return RankingEvent(
        event_id=event_id,
        event_time=at,
        received_at=more.pop("received_at", at),
        request_id=more.pop("request_id", f"r-{id}"),
        items=tuple(map(ShownItem, items)),
        **more,
    )


def upsert(event_id, at, item="i1", received_at=None, **fields):
    times = {"event_time": at, "received_at": received_at or at}
    return ItemEvent(event_id=event_id, **times, item_id=item, fields=fields)


def person(event_id, at, user="u1", op="upsert", **fields):
    return UserEvent(
        event_id=event_id, event_time=at, received_at=at, user_id=user, op=op, fields=fields
    )


def facts(room, user="u1", query="shoes", items=ITEMS, t=NOW):
    return room.reader.read(
        user_id=user, query_key=query_key(query, "default"), item_ids=items, t=t
    )


def first_rankings(events):
    results = {}
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        if isinstance(event, RankingEvent):
            results.setdefault(event.request_id, event)
    return results


def impressions(events):
    results = {}
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        if isinstance(event, RankingEvent):
            for position, item in enumerate(event.items):
                results.setdefault(
                    (event.request_id, item.item_id), (event, position, item.item_id)
                )
    return list(results.values())


def clicks(events):
    """(event, its ranking, bucket, sign) of each positive interaction and correction."""
    return [results for results in acts(events) if results[0].type in POSITIVE_TYPES]


def acts(events):
    """(event, its ranking, bucket, sign) of each interaction and correction that counts.

    A correction is the event that it corrects, with its own id and instant.
    """
    rankings, corrected = first_rankings(events), corrections(events)
    for event in events:
        if not isinstance(event, InteractionEvent):
            continue
        if event.corrects is not None and event.event_id not in corrected:
            continue
        stated = corrected.get(event.event_id, event)
        context = rankings.get(stated.request_id)
        if context is not None and context.seen_at > stated.seen_at:
            context = None
        own = {name: getattr(event, name) for name in ("event_id", "received_at", "corrects")}
        counted = structs.replace(stated, event_time=event.event_time, **own)
        yield counted, context, stated.event_time // DAY, 1 if event.corrects is None else -1


def corrections(events):
    """Correction's id → the event that it corrects: of each event, the first correction."""
    by_id = {event.event_id: event for event in events}
    corrected = {}
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        named = by_id.get(getattr(event, "corrects", None))
        is_right = isinstance(named, InteractionEvent) and named.corrects is None
        if is_right and named.seen_at <= event.seen_at and named not in corrected.values():
            corrected[event.event_id] = named
    return corrected


def counts(entries):
    """(bucket, delta) pairs to the value of each window; None without any."""
    if not entries:
        return dict.fromkeys(WINDOWS)
    return {
        name: sum(delta for bucket, delta in entries if bucket > NOW // DAY - days)
        for name, days in WINDOWS.items()
    }


def engagement(viewed=(), **entries):
    """Counts by measure; `viewed` adds to no count, but makes the entity known."""
    if not any(entries.values()) and not viewed:
        return {f"{m}_{w}": None for m in entries for w in WINDOWS}
    return {f"{m}_{w}": counts(entries[m])[w] or 0 for m in entries for w in WINDOWS}


def key_of(event):
    return query_key(event.query, event.market)


def expected_item(events, item):
    return engagement(
        impressions=[
            (e.event_time // DAY, 1) for e, _, shown in impressions(events) if shown == item
        ],
        clicks=[(bucket, delta) for e, _, bucket, delta in clicks(events) if e.item_id == item],
        viewed=[e for e, *_ in acts(events) if e.type == "view" and e.item_id == item],
    )


def expected_user(events, user):
    return engagement(
        impressions=[
            (e.event_time // DAY, 1) for e, _, _ in impressions(events) if e.user_id == user
        ],
        clicks=[
            (bucket, delta)
            for e, context, bucket, delta in clicks(events)
            if (e.user_id or (context and context.user_id)) == user
        ],
        viewed=[
            e
            for e, context, *_ in acts(events)
            if e.type == "view" and (e.user_id or (context and context.user_id)) == user
        ],
    )


def expected_query(events, query):
    query_rankings = [
        e for e in first_rankings(events).values() if key_of(e) == query_key(query, "default")
    ]
    return engagement(
        searches=[(e.event_time // DAY, 1) for e in query_rankings],
        zero_results=[(e.event_time // DAY, 1) for e in query_rankings if not e.items],
        clicks=[
            (bucket, delta)
            for _, context, bucket, delta in clicks(events)
            if context and key_of(context) == query_key(query, "default")
        ],
    )


def expected_recent(events, user):
    clicked = sorted(
        (
            (e.seen_at, e.event_id, e.item_id)
            for e, context, _, delta in clicks(events)
            if delta == 1 and (e.user_id or (context and context.user_id)) == user
        ),
        reverse=True,
    )
    shown = sorted(
        (
            (e.seen_at, e.event_id, -position, item)
            for e, position, item in impressions(events)
            if e.user_id == user
        ),
        reverse=True,
    )
    if not clicked and not shown:
        return dict.fromkeys(("clicked_item_ids", "clicked_at", "shown_item_ids", "shown_at"))
    return {
        "clicked_item_ids": [c[-1] for c in clicked[:40]],
        "clicked_at": [c[0] for c in clicked[:40]],
        "shown_item_ids": [s[-1] for s in shown[:80]],
        "shown_at": [s[0] for s in shown[:80]],
    }


def comparable(results):
    """Facts whose arrays are lists, which can be compared as a whole, with None for NaN."""
    items = {
        name: [None if np.isnan(n) else n for n in values.tolist()]
        if isinstance(values, np.ndarray)
        else values
        for name, values in results.items.items()
    }
    return replace(results, items=items)


def assert_reads(room, events):
    for user, query in zip(USERS, QUERIES, strict=True):
        results = facts(room, user, query)
        for n, item in enumerate(ITEMS):
            requested = expected_item(events, item)
            newest_values = {f: results.items[f"item_engagement__{f}"][n] for f in requested}
            assert {f: None if np.isnan(v) else v for f, v in newest_values.items()} == requested
        for row, view, requested in (
            (results.user, "user_engagement", expected_user(events, user)),
            (results.user, "user_recent", expected_recent(events, user)),
            (results.query_row, "query_engagement", expected_query(events, query)),
        ):
            assert {f: row[f"{view}__{f}"] for f in requested} == requested
            assert row[f"{view}__present"] == any(v is not None for v in requested.values())

"""Encodes events as arguments of `live.lua`."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
    query_key,
)
from feature_repo.home import DAY
from feature_repo.online.redis import RecentItem, encode_recent
from feature_repo.shop import Shop
from feature_repo.views import (
    EMPTY_SEARCH,
    IMPRESSION,
    K_CLICKED,
    K_SHOWN,
    SEARCH,
    LiveCounts,
    LiveFirst,
    LiveLists,
    LiveOwner,
    LiveValues,
    ViewSpec,
    counter_views,
    minor_units,
    views_of,
    views_of_entity,
)

SPARE = 2
"""A stored list is this many times as long as the list that is read.  Entries are removed when an
earlier event reports the same slate again; the spare ones then fill the gap."""

Call = dict[str, Any]
encode_call = msgspec.msgpack.Encoder().encode


def nothing_call(event: AnyEvent) -> Call:
    """Return the call of an event that changes neither lists nor counts."""
    times = {"event_time": event.event_time, "seen_at": event.seen_at}
    return {"kind": "nothing", "id": event.event_id, **times, **_present(heard_of=_user_of(event))}


def values_call(event: AnyEvent, shop: Shop) -> Call:
    """Return the live values that an event sets, each as JSON text, as the views declare them."""
    patches = [
        {"name": f"{spec.live_key}:{change[0]}", "patch": _json_texts(change[1])}
        for spec in views_of(shop)
        if isinstance(spec.live, LiveValues)
        if (change := spec.live.write(event, shop)) is not None and change[1]
    ]
    return {"patches": patches} if patches else {}


def erase_call(event: UserEvent, shop: Shop) -> Call:
    """Return the call that removes a user; a tombstone remains while stored rows have the user."""
    names = [
        name for spec in views_of_entity(shop, "user") for name in live_names(spec, event.user_id)
    ]
    return nothing_call(event) | {"kind": "erase", "user": event.user_id, "names": names}


def live_names(spec: ViewSpec, entity: str) -> list[str]:
    """Return the live keys of an entity in one view, without the project's prefix."""
    match spec.live:
        case LiveCounts():
            return [f"tile:{spec.name}:{entity}"]
        case LiveValues():
            return [f"{spec.live_key}:{entity}"]
        case LiveFirst():
            return [f"first:{entity}"]
        case LiveLists(limits):
            return [f"recent:{verb}:{entity}" for verb in limits]
        case LiveOwner():
            return [f"owner:{entity}"]
    return []


def ranking_call(
    event: RankingEvent, texts: Sequence[Mapping[str, str]], counted: frozenset[str] = frozenset()
) -> Call:
    """Return the call of a slate: its search and its impressions.

    Args:
        event: with its N items.
        texts: the recent-list columns of each item at the time.
        counted: items whose impression by this request is in the compacted log.
    """
    shown = [
        {
            "item": item.item_id,
            "position": position,
            "payload": encode_recent(RecentItem(item.item_id, dict(columns))),
        }
        for position, (item, columns) in enumerate(zip(event.items, texts, strict=True), start=1)
        if item.item_id not in counted
    ]
    return nothing_call(event) | {
        "kind": "ranking",
        "impression": _counts(IMPRESSION),
        "search": _counts(SEARCH if event.items else EMPTY_SEARCH),
        "bucket": event.event_time // DAY,
        "request": event.request_id,
        **_context(event),
        "shown": shown,
        "keep": SPARE * K_SHOWN,
    }


def interaction_call(event: InteractionEvent, texts: Mapping[str, str]) -> Call:
    """Return the call of a counted interaction.

    Args:
        event: of a counted type.
        texts: the recent-list columns of its item at the time.
    """
    call = nothing_call(event) | _counted_call(event, 1)
    if is_positive(event):
        call["payload"] = encode_recent(RecentItem(event.item_id, dict(texts)))
    return call


def correction_call(event: InteractionEvent, corrected: InteractionEvent) -> Call:
    """Return the call of a correction, which takes back what the corrected event counted.

    Args:
        event: of which only the id, the instant and what it corrects are read.
        corrected: an interaction of a counted type.
    """
    corrects = {"corrects": corrected.event_id, "stated_at": corrected.seen_at}
    return nothing_call(event) | _counted_call(corrected, -1) | corrects


def _counted_call(stated: InteractionEvent, sign: int) -> Call:
    return {
        "kind": "interaction",
        "counts": _counts(stated.type, sign, minor_units(stated.value)),
        "bucket": stated.event_time // DAY,
        "item": stated.item_id,
        "keep": SPARE * K_CLICKED,
        **_present(user=stated.user_id, request=stated.request_id),
    }


def context(ranking: RankingEvent) -> Call:
    """Return the fields that an interaction inherits from the ranking of its request."""
    return {
        "id": ranking.event_id,
        "seen_at": ranking.seen_at,
        **_context(ranking),
    }


def is_counted(event: AnyEvent) -> bool:
    """Return whether an interaction changes any count."""
    return isinstance(event, InteractionEvent) and event.type in _counted_types()


def is_positive(event: AnyEvent) -> bool:
    """Return whether an event is a positive interaction, which the user's recent list stores."""
    return (
        isinstance(event, InteractionEvent)
        and event.corrects is None
        and event.type in POSITIVE_TYPES
    )


@cache
def _counted_types() -> frozenset[str]:
    """Return the types of events that any measure counts."""
    measures = [measure for view in counter_views() for measure in view.measures.values()]
    return frozenset(type_ for measure in measures for type_ in measure.of)


def _json_texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: msgspec.json.encode(value).decode() for name, value in values.items()}


def _user_of(event: AnyEvent) -> str | None:
    """Return the user that an event shows; a correction and an upsert without fields show none."""
    match event:
        case RankingEvent() | InteractionEvent(corrects=None):
            return event.user_id
        case UserEvent(op="upsert") if event.fields:
            return event.user_id
    return None


def _counts(what: str, sign: int = 1, amount: int = 0) -> list[dict[str, Any]]:
    """Return the deltas of an event for each counted view that it changes."""
    return [
        {"view": view.name, "entity": view.entity, "deltas": deltas}
        for view in counter_views()
        if (deltas := view.deltas(what, sign, amount))
    ]


def _context(ranking: RankingEvent) -> dict[str, str]:
    return _present(user=ranking.user_id, query=query_key(ranking.query, ranking.market))


def _present(**values: str | None) -> dict[str, str]:
    """Return the values that are not None; an absent value is nil in Lua."""
    return {name: value for name, value in values.items() if value is not None}

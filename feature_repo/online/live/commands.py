"""Encodes events as arguments of `live.lua`."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    AnyEvent,
    InteractionEvent,
    Link,
    Merge,
    RankingEvent,
    UserEvent,
    query_key,
)
from feature_repo.home import DAY
from feature_repo.online.redis import RecentItem, encode_recent
from feature_repo.shop import Shop
from feature_repo.views import (
    BUILT_IN,
    EMPTY_SEARCH,
    IMPRESSION,
    K_CLICKED,
    K_SHOWN,
    SEARCH,
    Entity,
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

PIECE = 20
"""Impressions, earlier events or deleted keys of one call: Redis answers nobody meanwhile."""

Call = dict[str, Any]
Texts = Mapping[str, str]
"""The recent-list columns of an item at an instant."""

_IMPRESSION_FIELDS = (
    *("id", "seen_at", "event_time", "part", "bucket", "own", "request", "impression", "keep"),
    *("user", "session", "query", "links", "merges"),
)

encode_call = msgspec.msgpack.Encoder().encode


def nothing_call(event: AnyEvent) -> Call:
    """Return the call of an event that changes neither lists nor counts."""
    names = (("user", _user_of(event)), ("session", _session_of(event)))
    return {
        "kind": "nothing",
        "id": event.event_id,
        "event_time": event.event_time,
        "seen_at": event.seen_at,
        "own": True,
        "named": [f"{entity}:{id_}" for entity, id_ in names if id_ is not None],
    }


def values_call(event: AnyEvent, shop: Shop) -> Call:
    """Return the live values that an event sets, each as JSON text, as the views declare them."""
    patches = [
        {"name": f"{spec.live_key}:{change[0]}", "patch": _json_texts(change[1])}
        for spec in views_of(shop)
        if isinstance(spec.live, LiveValues)
        if (change := spec.live.write(event, shop)) is not None and change[1]
    ]
    return {"patches": patches} if patches else {}


def in_pieces(call: Call) -> list[Call]:
    """Cut a call about many impressions or keys.  The last piece is the event's own call."""
    match call["kind"]:
        case "ranking" if len(call["shown"]) > PIECE:
            of_all = {name: call[name] for name in _IMPRESSION_FIELDS if name in call}
            *first, last = cut(call["shown"])
            pieces = [of_all | {"kind": "shown", "is_piece": True, "shown": one} for one in first]
            return [*pieces, call | {"shown": last}]
        case "erase" if len(call["names"]) + len(call["erased"]) > PIECE:
            pieces = [call | {"names": one, "erased": []} for one in cut(call["names"])]
            pieces += [call | {"names": [], "erased": one} for one in cut(call["erased"])]
            return [*(piece | {"is_piece": True} for piece in pieces[:-1]), pieces[-1]]
    return [call]


def cut(values: Sequence[Any]) -> list[Sequence[Any]]:
    """Cut N values into pieces of a call."""
    return [values[at : at + PIECE] for at in range(0, len(values), PIECE)]


def erase_call(event: UserEvent, shop: Shop, sessions: Sequence[str]) -> Call:
    """Return the call that removes a user and the sessions that were linked to the user.

    Tombstones remain while stored rows have them.
    """
    erased: list[tuple[Entity, str]] = [("user", event.user_id)]
    erased += [("session", session) for session in sessions]
    names = [
        name
        for entity, id_ in erased
        for spec in views_of_entity(shop, entity)
        for name in live_names(spec, id_)
    ]
    whole = [f"{entity}:{id_}" for entity, id_ in erased]
    return nothing_call(event) | {"kind": "erase", "names": names, "erased": whole}


def live_names(spec: ViewSpec, entity: str) -> list[str]:
    """Return the live keys of an entity in one view, without the project's prefix."""
    match spec.live:
        case LiveCounts():
            return [f"tile:{spec.name}:{entity}"]
        case LiveValues() | LiveOwner():
            return [f"{spec.live_key}:{entity}"]
        case LiveFirst():
            return [f"first:{spec.entity}:{entity}"]
        case LiveLists(limits):
            return [f"recent:{verb}:{spec.entity}:{entity}" for verb in limits]
    return []


def ranking_call(
    event: RankingEvent, texts: Sequence[Texts | None], counted: frozenset[str] = frozenset()
) -> Call:
    """Return the call of a slate: its search and its impressions.

    Args:
        event: with its N items.
        texts: the recent-list columns of each item at the time; None where no list needs them.
        counted: items whose impression by this request is in the compacted log.
    """
    shown = [
        {"item": item.item_id, "position": position, **_payload(item.item_id, columns)}
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


def interaction_call(event: InteractionEvent, texts: Texts | None) -> Call:
    """Return the call of an interaction of any type.

    Args:
        event: not a correction.
        texts: the recent-list columns of its item at the time; None where no list needs them.
    """
    call = nothing_call(event) | _counted_call(event, 1)
    return call | _payload(event.item_id, texts) if is_positive(event) else call


def correction_call(event: InteractionEvent, corrected: InteractionEvent) -> Call:
    """Return the call of a correction, which takes back what the corrected event counted.

    Args:
        event: of which only the id, the instant and what it corrects are read.
        corrected: the interaction that it corrects.
    """
    stated = {"id": corrected.event_id, "seen_at": corrected.seen_at}
    return nothing_call(event) | _counted_call(corrected, -1) | {"stated": stated}


def _counted_call(stated: InteractionEvent, sign: int) -> Call:
    names = {"user": stated.user_id, "session": stated.session_id, "request": stated.request_id}
    names["arm"] = None if stated.decision is None else stated.decision.arm_key
    return {
        "kind": "interaction",
        "counts": _counts(stated.type, sign, minor_units(_own_amount(stated))),
        "bucket": stated.event_time // DAY,
        "item": stated.item_id,
        "keep": SPARE * K_CLICKED,
        **_present(**names),
    }


def _own_amount(stated: InteractionEvent) -> float | None:
    """Return the amount of an interaction; None in another currency than the shop's."""
    return stated.value if stated.currency is None else None


def context(ranking: RankingEvent) -> Call:
    """Return the fields that an interaction inherits from the ranking of its request."""
    return {
        "id": ranking.event_id,
        "seen_at": ranking.seen_at,
        **_context(ranking),
    }


def link_fields(link: Link) -> Call:
    """Return a link or unlink as the record of an event stores it."""
    return {"id": link.event_id, "seen_at": link.seen_at, **_present(user=link.user_id)}


def owner_fields(link: Link, is_shared: bool, first_linked_at: int) -> Call:
    """Return the owner of a session as the live state stores it."""
    return {
        **link_fields(link),
        "session": link.session_id,
        "is_shared": is_shared,
        "first_linked_at": first_linked_at,
    }


def merge_fields(merge: Merge) -> Call:
    """Return a merge as the record of an event stores it."""
    names = {"user": merge.from_user_id, "into": merge.user_id}
    return {"id": merge.event_id, "seen_at": merge.seen_at, **names}


def is_positive(event: AnyEvent) -> bool:
    """Return whether an event is a positive interaction, which the user's recent list stores."""
    return (
        isinstance(event, InteractionEvent)
        and event.corrects is None
        and event.type in POSITIVE_TYPES
    )


def _payload(item_id: str, texts: Texts | None) -> Call:
    return {} if texts is None else {"payload": encode_recent(RecentItem(item_id, dict(texts)))}


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


def _session_of(event: AnyEvent) -> str | None:
    """Return the session that an event shows; a correction shows none."""
    match event:
        case RankingEvent() | InteractionEvent(corrects=None):
            return event.session_id
    return None


def _counts(what: str, sign: int = 1, amount: int = 0) -> list[dict[str, Any]]:
    """Return the deltas of an event for each counted view that it changes.

    The SQL of an installed view of users reads the events that name the user, and no others.
    """
    return [
        {
            "view": view.name,
            "entity": view.entity,
            "deltas": deltas,
            "is_named": view not in BUILT_IN,
        }
        for view in counter_views()
        if (deltas := view.deltas(what, sign, amount))
    ]


def _context(ranking: RankingEvent) -> dict[str, str]:
    key = query_key(ranking.query, ranking.market)
    return _present(user=ranking.user_id, session=ranking.session_id, query=key)


def _present(**values: str | None) -> dict[str, str]:
    """Return the values that are not None; an absent value is nil in Lua."""
    return {name: value for name, value in values.items() if value is not None}

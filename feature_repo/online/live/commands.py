"""Events as arguments of `live.lua`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    AnyEvent,
    FieldValue,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    UserEvent,
    query_key,
)
from feature_repo.home import DAY
from feature_repo.online.redis import RecentItem, encode_recent
from feature_repo.shop import Shop, ShopField, typed_value
from feature_repo.views import (
    COUNTER_VIEWS,
    EMPTY_SEARCH,
    IMPRESSION,
    K_CLICKED,
    K_SHOWN,
    SEARCH,
    minor_units,
)

SPARE = 2
"""Lists are kept so many times as long as they are read: entries that are taken back, which takes
a slate that is reported again and by an earlier event, leave no gap unless they are that many."""

_COUNTED_TYPES = frozenset(
    what for view in COUNTER_VIEWS for measure in view.measures.values() for what in measure.of
)
Call = dict[str, Any]
encode_call = msgspec.msgpack.Encoder().encode


def nothing_call(event: AnyEvent) -> Call:
    """An event that changes no more than from when its user was heard of; its id is noted."""
    call = {"kind": "nothing", "id": event.event_id, "seen_at": event.seen_at}
    return call | _given(heard_of=_user_of(event))


def item_call(event: ItemEvent, shop: Shop) -> Call:
    """The attributes the event speaks of, each as JSON text; a delete hides, an upsert shows."""
    patch = {"is_deleted": "true" if event.op == "delete" else "false"}
    if event.op == "upsert":
        patch |= _patch(event.fields, shop.item_fields)
    return nothing_call(event) | {"kind": "item", "item": event.item_id, "patch": patch}


def user_call(event: UserEvent, shop: Shop) -> Call:
    """The same of an upsert of a user; nothing where the shop declares none of its fields."""
    patch = _patch(event.fields, shop.user_fields)
    told = {"kind": "user", "user": event.user_id, "patch": patch} if patch else {}
    return nothing_call(event) | told


def erase_call(event: UserEvent, verbs: Iterable[str]) -> Call:
    """Everything live of a user goes; a tombstone stays until the stored rows are without them."""
    names = [f"user:{event.user_id}", f"first:{event.user_id}"]
    names += [f"recent:{verb}:{event.user_id}" for verb in verbs]
    names += [
        f"tile:{view.name}:{event.user_id}" for view in COUNTER_VIEWS if view.entity == "user"
    ]
    return nothing_call(event) | {"kind": "erase", "user": event.user_id, "names": names}


def ranking_call(
    event: RankingEvent, texts: Sequence[Mapping[str, str]], counted: frozenset[str] = frozenset()
) -> Call:
    """The search that a slate answers, and its impressions.

    Args:
        event: with its N items.
        texts: N mappings, what was known of each item.
        counted: items whose impression by this request lies in the compacted log.
    """
    shown = [
        {
            "item": item.item_id,
            "position": position,
            "payload": encode_recent(RecentItem(item.item_id, dict(known))),
        }
        for position, (item, known) in enumerate(zip(event.items, texts, strict=True), start=1)
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


def interaction_call(
    event: InteractionEvent, texts: Mapping[str, str], corrected: InteractionEvent | None
) -> Call:
    """An interaction that is counted, or a correction of one.

    Args:
        event: of a counted type.
        texts: what was known of its item.
        corrected: the event it corrects, if there is one that is known.
    """
    known_by_then = corrected is not None and corrected.seen_at <= event.seen_at
    counts_where = corrected if corrected is not None and known_by_then else event
    sign = 1 if event.corrects is None else -1
    call = nothing_call(event) | {
        "kind": "interaction",
        "counts": _counts(event.type, sign, minor_units(event.value)),
        "bucket": counts_where.event_time // DAY,
        "item": event.item_id,
        "keep": SPARE * K_CLICKED,
        **_given(user=event.user_id, request=event.request_id),
    }
    if is_wanted(event):
        call["payload"] = encode_recent(RecentItem(event.item_id, dict(texts)))
    return call


def context(ranking: RankingEvent) -> Call:
    """What an interaction inherits from the ranking of its request."""
    return {
        "id": ranking.event_id,
        "seen_at": ranking.seen_at,
        **_context(ranking),
    }


def is_counted(event: AnyEvent) -> bool:
    """Whether an interaction adds to any count, or takes from one."""
    return isinstance(event, InteractionEvent) and event.type in _COUNTED_TYPES


def is_wanted(event: AnyEvent) -> bool:
    """Whether an event says that a shopper wanted an item, and goes into the user's recent past."""
    return (
        isinstance(event, InteractionEvent)
        and event.corrects is None
        and event.type in POSITIVE_TYPES
    )


def _patch(told: Mapping[str, FieldValue], fields: Iterable[ShopField]) -> dict[str, str]:
    """By column, the values of those fields that an event tells, as JSON text."""
    return {
        field.column: msgspec.json.encode(typed_value(told[field.name], field.type)).decode()
        for field in fields
        if field.name in told
    }


def _user_of(event: AnyEvent) -> str | None:
    """Whom an event itself names; one that tells nothing of its user is no sign of them."""
    match event:
        case RankingEvent() | InteractionEvent():
            return event.user_id
        case UserEvent(op="upsert") if event.fields:
            return event.user_id
    return None


def _counts(what: str, sign: int = 1, amount: int = 0) -> list[dict[str, Any]]:
    """What an event adds to the counts of each kind of entity."""
    return [
        {"view": view.name, "entity": view.entity, "deltas": deltas}
        for view in COUNTER_VIEWS
        if (deltas := view.deltas(what, sign, amount))
    ]


def _context(ranking: RankingEvent) -> dict[str, str]:
    return _given(user=ranking.user_id, query=query_key(ranking.query, ranking.market))


def _given(**values: str | None) -> dict[str, str]:
    """Those that are there: to Lua, absent is nil."""
    return {name: value for name, value in values.items() if value is not None}

"""Metarank's events, so that its users can bring their files unchanged.

    event        becomes
    item         item, upsert: `fields` [{name, value}] become the item's fields
    user         user, upsert, the same way
    ranking      ranking: `id` becomes event id and request id; of the fields, `query`, `market` and
                 `surface` are read; an item's `relevancy` becomes its score
    interaction  interaction: `ranking` is the request id; of the fields, `value` and `currency` are
                 read

Unknown keys are ignored, as Metarank does. An item's `relevancy` is read only if the slate's values
differ: a constant has no information about the items' order. Deletes, links, merges, erasures and
corrections have no Metarank event.
"""

from collections.abc import Callable, Mapping
from typing import Any

from feature_repo.events.contract import (
    DEFAULT_MARKET,
    AnyEvent,
    FieldValue,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedRankingEvent,
    ShownItem,
    UserEvent,
    amount,
    check_length,
    check_size,
    check_unique,
    identifier,
    number,
    read_currency,
    shop_field,
    text,
    with_currency,
)
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.writing import iso_time, stated
from feature_repo.home import (
    EventError,
    did_you_mean,
    parse_instant,
    utc_offset_minutes,
)

RELEVANCY = "relevancy"
NAMES = {
    "event_id": "id",
    "event_time": "timestamp",
    "item_id": "item",
    "user_id": "user",
    "session_id": "session",
    "value": "fields.value",
    "currency": "fields.currency",
    "market": "fields.market",
}
"""Canonical key → Metarank's."""


def parse_metarank(raw: object) -> AnyEvent:
    """Read a Metarank event.

    Raises:
        EventError: a key is missing or has a bad value.
    """
    if not isinstance(raw, dict):
        raise EventError("event", "a JSON object", raw)
    kind = raw.get("event")
    if not isinstance(kind, str) or kind not in _PARSERS:
        hint = did_you_mean(kind, _PARSERS) if isinstance(kind, str) else ""
        raise EventError("event", f"one of {', '.join(_PARSERS)}", kind, hint)
    return _PARSERS[kind](raw)


def named_fields(value: object, field: str = "fields") -> dict[str, FieldValue]:
    """Read fields that Metarank writes as `[{"name": …, "value": …}]`; None means no fields."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise EventError(field, "a list of objects with name and value", value)
    fields = {}
    for n, entry in enumerate(value):
        if not isinstance(entry, dict) or "name" not in entry:
            raise EventError(f"{field}[{n}]", "an object with name and value", entry)
        name = text(entry["name"], f"{field}[{n}].name")
        fields[name] = shop_field(entry.get("value"), f"{field}.{name}")
    check_size(fields, field)
    return fields


def _item(raw: dict[str, Any]) -> ItemEvent:
    return ItemEvent(
        event_id=_required(raw, "id"),
        event_time=_time(raw),
        item_id=_required(raw, "item"),
        fields=named_fields(raw.get("fields")),
    )


def _user(raw: dict[str, Any]) -> UserEvent:
    return UserEvent(
        event_id=_required(raw, "id"),
        event_time=_time(raw),
        user_id=_required(raw, "user"),
        fields=named_fields(raw.get("fields")),
    )


def _ranking(raw: dict[str, Any]) -> RankingEvent:
    request_id = _required(raw, "id")
    fields = named_fields(raw.get("fields"))
    items = raw.get("items")
    record = ServedRankingEvent if items is None else RankingEvent
    return record(
        event_id=request_id,
        event_time=_time(raw),
        request_id=request_id,
        items=() if items is None else _slate(items),
        user_id=_optional(raw, "user"),
        session_id=_optional(raw, "session"),
        surface=_text_of(fields, "surface"),
        query=_text_of(fields, "query"),
        market=_text_of(fields, "market") or DEFAULT_MARKET,
        utc_offset_minutes=utc_offset_minutes(raw["timestamp"]),
    )


def _interaction(raw: dict[str, Any]) -> InteractionEvent:
    fields = with_currency(named_fields(raw.get("fields")))
    value, currency = fields.get("value"), fields.get("currency")
    return InteractionEvent(
        event_id=_required(raw, "id"),
        event_time=_time(raw),
        item_id=_required(raw, "item"),
        type=_required(raw, "type"),
        request_id=_optional(raw, "ranking"),
        user_id=_optional(raw, "user"),
        session_id=_optional(raw, "session"),
        value=None if value is None else amount(value, "fields.value"),
        currency=None if currency is None else read_currency(currency, "fields.currency"),
    )


def _slate(items: object) -> tuple[ShownItem, ...]:
    if not isinstance(items, list):
        raise EventError("items", "a list of items", items)
    check_length(items, "items")
    try:
        scored = [_shown(item, "items") for item in items]
    except EventError:
        scored = [_shown(item, f"items[{n}]") for n, item in enumerate(items)]
    ids = [item_id for item_id, _ in scored]
    check_unique(ids, "items")
    if len({score for _, score in scored}) == 1:
        return tuple(ShownItem(item_id) for item_id in ids)
    return tuple(ShownItem(item_id, score) for item_id, score in scored)


def _shown(item: object, field: str) -> tuple[str, float | None]:
    if not isinstance(item, dict):
        raise EventError(field, "an object with id", item)
    relevancy = _relevancy(item)
    score = None if relevancy is None else number(relevancy, field)
    return identifier(item.get("id"), field), score


def _relevancy(item: dict[str, Any]) -> object:
    """Return an item's `relevancy`, which is a key of the item or one of its fields."""
    fields = item.get("fields")
    if isinstance(fields, list):
        for entry in fields:
            if isinstance(entry, dict) and entry.get("name") == RELEVANCY:
                return entry.get("value")
    return item.get(RELEVANCY)


def _required(raw: dict[str, Any], name: str) -> str:
    return identifier(raw.get(name), name)


def _optional(raw: dict[str, Any], name: str) -> str | None:
    return None if raw.get(name) is None else identifier(raw[name], name)


def _time(raw: dict[str, Any]) -> int:
    return parse_instant(raw.get("timestamp"), "timestamp")


def _text_of(fields: dict[str, FieldValue], name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else text(value, f"fields.{name}")


_PARSERS: dict[str, Callable[[dict[str, Any]], AnyEvent]] = {
    "item": _item,
    "user": _user,
    "ranking": _ranking,
    "interaction": _interaction,
}


def _write(event: AnyEvent) -> list[Raw]:
    """Return the Metarank event that says an event; none if Metarank has none."""
    if isinstance(event, ItemEvent) and event.op == "upsert":
        return [_written("item", event, item=event.item_id, fields=_named(event.fields))]
    if isinstance(event, UserEvent) and event.op == "upsert":
        return [_written("user", event, user=event.user_id, fields=_named(event.fields))]
    if isinstance(event, RankingEvent):
        return [_written_ranking(event)]
    if isinstance(event, InteractionEvent) and event.corrects is None:
        return [_written_interaction(event)]
    return []


def _written_ranking(event: RankingEvent) -> Raw:
    market = None if event.market == DEFAULT_MARKET else event.market
    fields = stated({"query": event.query, "market": market, "surface": event.surface})
    written = _written("ranking", event, fields=_named(fields), **_shopper(event))
    written["id"] = event.request_id
    written["timestamp"] = iso_time(event.event_time, event.utc_offset_minutes)
    if not isinstance(event, ServedRankingEvent):
        written["items"] = [stated({"id": i.item_id, RELEVANCY: i.score}) for i in event.items]
    return written


def _written_interaction(event: InteractionEvent) -> Raw:
    fields = stated({"value": event.value, "currency": event.currency})
    about = {"item": event.item_id, "type": event.type, "ranking": event.request_id}
    return _written("interaction", event, fields=_named(fields), **_shopper(event), **about)


def _written(kind: str, event: AnyEvent, **values: object) -> dict[str, Any]:
    about = {"event": kind, "id": event.event_id, "timestamp": iso_time(event.event_time)}
    return about | stated(values)


def _shopper(event: RankingEvent | InteractionEvent) -> dict[str, str | None]:
    return {"user": event.user_id, "session": event.session_id}


def _named(fields: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"name": name, "value": value} for name, value in fields.items()]


METARANK = Dialect(
    name="metarank",
    description="Metarank's events: item, user, ranking and interaction.",
    recognizes=lambda raw: "event" in raw and "kind" not in raw,
    parse=lambda raw: (parse_metarank(raw),),
    write=_write,
    names=NAMES,
)

"""User Behavior Insights 1.3, the queries and events of OpenSearch.

    object                  becomes
    query, with hits        ranking: `query_id` is event id and request id, the hits are the slate
    query, without `hits`   nothing: what was shown is unknown; an empty list is an empty search
    event with an object    interaction: `query_id` is the request id
    impression, other event nothing: the slate of the query already counts the impression

`client_id` is the user, `session_id` the session. An interaction has no position of its own:
`position.ordinal` stays in `extra`, and positions come from the order of the hits.
"""

from collections.abc import Mapping
from typing import Any

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    amount,
    identifier,
    identifiers,
    read_currency,
    text,
)
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.reading import content_id, extras, first, mapping, optional_id
from feature_repo.events.dialects.shopping import (
    ADD_TO_WISHLIST,
    BEGIN_CHECKOUT,
    REMOVE_FROM_CART,
    Occasion,
    Product,
    interactions,
    slate,
)
from feature_repo.events.dialects.writing import iso_time, stated
from feature_repo.home import EventError, parse_instant, utc_offset_minutes

HITS = ("query_response_hit_ids", "query_response_object_ids")
_QUERY_KEYS = {
    "query_id",
    "client_id",
    "session_id",
    "user_query",
    "timestamp",
    "query",
    *HITS,
}
_EVENT_KEYS = {"query_id", "client_id", "session_id", "timestamp", "action_name"}
_OBJECT_KEYS = {"object_id", "internal_id"}
_AMOUNT_KEYS = {"price", "quantity", "currency"}
_TYPES = {
    "click": "click",
    "click_through": "click",
    "item_click": "click",
    "product_click": "click",
    "view": "view",
    "product_view": "view",
    "add_to_cart": "add_to_cart",
    "purchase": "purchase",
    "buy": "purchase",
    "remove_from_cart": REMOVE_FROM_CART,
    "begin_checkout": BEGIN_CHECKOUT,
    "checkout": BEGIN_CHECKOUT,
    "wishlist": ADD_TO_WISHLIST,
    "add_to_wishlist": ADD_TO_WISHLIST,
}
_IMPRESSIONS = ("impression", "product_impression", "view_item_list")
_WRITTEN_TYPES = ("click", "view", "add_to_cart", "purchase")


def _recognizes(raw: Raw) -> bool:
    if "action_name" in raw:
        return "event_attributes" in raw or "client_id" in raw or "query_id" in raw
    return "query_id" in raw and ("user_query" in raw or any(name in raw for name in HITS))


def _parse(raw: Raw) -> list[AnyEvent]:
    return _event(raw) if "action_name" in raw else _query(raw)


def _query(raw: Raw) -> list[AnyEvent]:
    query_id = identifier(raw.get("query_id"), "query_id")
    occasion = Occasion(
        event_id=query_id,
        event_time=parse_instant(raw.get("timestamp"), "timestamp"),
        request_id=query_id,
        user_id=optional_id(raw.get("client_id"), "client_id"),
        session_id=optional_id(raw.get("session_id"), "session_id"),
        extra=extras(raw, _QUERY_KEYS),
    )
    name = next((name for name in HITS if raw.get(name) is not None), None)
    if name is None:
        return []
    hits = raw[name]
    if not isinstance(hits, list):
        raise EventError(name, "a list of object ids", hits)
    query = first(raw, "user_query")
    return slate(
        occasion,
        [*map(Product, identifiers(hits, name))],
        query=None if query is None else text(query, "user_query"),
        surface="search",
        utc_offset_minutes=utc_offset_minutes(raw.get("timestamp")),
    )


def _event(raw: Raw) -> list[AnyEvent]:
    action = text(raw["action_name"], "action_name").strip().lower().replace(" ", "_")
    attributes = mapping(raw.get("event_attributes"), "event_attributes")
    described = mapping(attributes.get("object"), "event_attributes.object")
    item_id = first(described, "object_id", "internal_id")
    session = first(raw, "session_id") or first(attributes, "session_id")
    occasion = Occasion(
        event_id=content_id("ubi", raw),
        event_time=parse_instant(raw.get("timestamp"), "timestamp"),
        request_id=optional_id(raw.get("query_id"), "query_id"),
        user_id=optional_id(raw.get("client_id"), "client_id"),
        session_id=optional_id(session, "session_id"),
    )
    if item_id is None or action in _IMPRESSIONS or not action:
        return []
    amounts = _amounts(attributes, described)
    occasion.extra = _event_extras(raw, attributes, described)
    return interactions(occasion, _TYPES.get(action, action), [_product(item_id, amounts)])


def _amounts(
    attributes: Mapping[str, Any], described: Mapping[str, Any]
) -> dict[str, tuple[object, str]]:
    """Return price, quantity and currency with their fields, wherever the sender writes them."""
    details = described.get("object_detail")
    levels = [
        (attributes, "event_attributes"),
        (described, "event_attributes.object"),
        (details if isinstance(details, dict) else {}, "event_attributes.object.object_detail"),
    ]
    return {
        name: (level[name], f"{field}.{name}")
        for level, field in levels
        for name in sorted(_AMOUNT_KEYS & level.keys())
        if level[name] is not None
    }


def _product(item_id: object, amounts: Mapping[str, tuple[object, str]]) -> Product:
    price, quantity, currency = (amounts.get(name) for name in ("price", "quantity", "currency"))
    return Product(
        identifier(item_id, "event_attributes.object.object_id"),
        price=None if price is None else amount(*price),
        quantity=None if quantity is None else amount(*quantity),
        currency=None if currency is None else read_currency(*currency),
    )


def _event_extras(
    raw: Raw, attributes: Mapping[str, Any], described: Mapping[str, Any]
) -> dict[str, Any] | None:
    other = {
        **{name: value for name, value in raw.items() if name != "event_attributes"},
        **{name: value for name, value in attributes.items() if name not in _AMOUNT_KEYS},
        "object": {
            name: value
            for name, value in described.items()
            if name not in _OBJECT_KEYS and name not in _AMOUNT_KEYS
        },
    }
    return extras(other, _EVENT_KEYS)


def _write(event: AnyEvent) -> list[Raw]:
    """Return the query of a slate, or the event of an interaction; none for other events."""
    if isinstance(event, RankingEvent):
        query = {
            "query_id": event.request_id,
            "user_query": event.query or "",
            HITS[0]: [item.item_id for item in event.items],
            "timestamp": iso_time(event.event_time, event.utc_offset_minutes),
        }
        return [query | stated({"client_id": event.user_id, "session_id": event.session_id})]
    if not isinstance(event, InteractionEvent) or event.type not in _WRITTEN_TYPES:
        return []
    if event.corrects is not None:
        return []
    about = stated(
        {
            "query_id": event.request_id,
            "client_id": event.user_id,
            "session_id": event.session_id,
        }
    )
    has_value = event.value is not None
    units = event.quantity or 1.0
    amounts = {
        "price": event.value / units if event.value is not None else None,
        "quantity": event.quantity,
        "currency": event.currency if has_value else None,
    }
    attributes = {"object": {"object_id": event.item_id}, **stated(amounts)}
    written = {
        "action_name": event.type,
        "timestamp": iso_time(event.event_time),
        "event_attributes": attributes,
    }
    return [about | written]


UBI = Dialect(
    name="ubi",
    description="User Behavior Insights 1.3 of OpenSearch: queries with their hits, and events.",
    recognizes=_recognizes,
    parse=_parse,
    write=_write,
    label=lambda raw: str(raw.get("action_name", "query without hits")),
    names={
        "event_time": "timestamp",
        "item_id": "event_attributes.object.object_id",
        "type": "action_name",
        "request_id": "query_id",
        "user_id": "client_id",
        "query": "user_query",
        "items": HITS[0],
        "value": "event_attributes.price",
    },
)

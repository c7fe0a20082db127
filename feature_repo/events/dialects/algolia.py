"""Algolia Insights: events of clicks, conversions and views.

    event                       becomes
    view of several objects     ranking, if they are the hits of a `queryID` or of a page
    view of one object          view
    click                       click on each object
    conversion                  purchase (subtype purchase), add_to_cart (addToCart), else the
                                subtype or `conversion`

`authenticatedUserToken` is the user, `userToken` the session, `queryID` the request id. A click has
positions and no list, so no impressions follow from it; the positions stay in `extra`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    amount,
    identifiers,
    number,
    read_currency,
    text,
)
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.reading import (
    content_id,
    extras,
    first,
    objects,
    optional_id,
)
from feature_repo.events.dialects.shopping import Occasion, Product, interactions, slate
from feature_repo.events.dialects.writing import stated
from feature_repo.home import EventError, did_you_mean, parse_instant

EVENT_TYPES = ("click", "conversion", "view")
_METHODS = {
    "clickedObjectIDsAfterSearch": ("click", None),
    "clickedObjectIDs": ("click", None),
    "convertedObjectIDsAfterSearch": ("conversion", None),
    "convertedObjectIDs": ("conversion", None),
    "addedToCartObjectIDsAfterSearch": ("conversion", "addToCart"),
    "addedToCartObjectIDs": ("conversion", "addToCart"),
    "purchasedObjectIDsAfterSearch": ("conversion", "purchase"),
    "purchasedObjectIDs": ("conversion", "purchase"),
    "viewedObjectIDs": ("view", None),
}
"""Method of the library `search-insights` → event type and subtype."""

_SUBTYPES = {"addToCart": "add_to_cart", "purchase": "purchase"}
_SENDERS = ("userToken", "authenticatedUserToken", "objectIDs", "queryID")
_KEYS = {
    "eventType",
    "eventSubtype",
    "method",
    "userToken",
    "authenticatedUserToken",
    "timestamp",
    "queryID",
    "objectIDs",
    "positions",
    "objectData",
    "currency",
}
_DATA_KEYS = {"price", "quantity", "queryID"}


def _recognizes(raw: Raw) -> bool:
    if "visitorId" in raw:
        return False
    named = "eventType" in raw or raw.get("method") in _METHODS
    return named and any(name in raw for name in _SENDERS)


def _parse(raw: Raw) -> list[AnyEvent]:
    name, subtype = _type(raw)
    occasion = Occasion(
        event_id=content_id("algolia", raw),
        event_time=parse_instant(raw.get("timestamp"), "timestamp"),
        user_id=optional_id(raw.get("authenticatedUserToken"), "authenticatedUserToken"),
        session_id=optional_id(raw.get("userToken"), "userToken"),
        request_id=optional_id(raw.get("queryID"), "queryID"),
        extra=extras(raw, _KEYS),
    )
    products = _products(raw)
    if not products:
        return []
    if name == "view" and len(products) > 1:
        surface = first(raw, "index")
        return slate(
            occasion, products, surface=None if surface is None else text(surface, "index")
        )
    if name == "conversion":
        name = _SUBTYPES.get(subtype or name, subtype or name)
    if occasion.request_id is None:
        return _by_query(occasion, name, products, raw)
    return interactions(occasion, name, products)


def _type(raw: Raw) -> tuple[str, str | None]:
    name = first(raw, "eventType", "method")
    if isinstance(name, str) and name in _METHODS:
        return _METHODS[name]
    if name not in EVENT_TYPES:
        hint = did_you_mean(name, EVENT_TYPES) if isinstance(name, str) else ""
        raise EventError("eventType", f"one of {', '.join(EVENT_TYPES)}", name, hint)
    subtype = first(raw, "eventSubtype")
    return name, None if subtype is None else text(subtype, "eventSubtype")


def _products(raw: Raw) -> list[Product]:
    """Return the objects, each with its data and, for a click, its position."""
    ids = raw.get("objectIDs")
    if ids is None and "filters" in raw:
        return []
    if not isinstance(ids, list):
        raise EventError("objectIDs", "a list of object ids", ids)
    item_ids = identifiers(ids, "objectIDs")
    positions = _aligned(raw, "positions", len(ids))
    data = _aligned(raw, "objectData", len(ids))
    currency = first(raw, "currency")
    code = None if currency is None else read_currency(currency, "currency")
    return [
        _product(item_id, position, about or {}, code)
        for item_id, position, about in zip(item_ids, positions, data, strict=True)
    ]


def _product(
    item_id: str, position: object, about: Mapping[str, Any], currency: str | None
) -> Product:
    price, quantity = first(about, "price"), first(about, "quantity")
    said = {**about, "position": None if position is None else number(position, "positions")}
    return Product(
        item_id=item_id,
        price=None if price is None else amount(price, "objectData.price"),
        quantity=None if quantity is None else amount(quantity, "objectData.quantity"),
        currency=currency,
        extra=extras(said, _DATA_KEYS),
    )


def _aligned(raw: Raw, name: str, length: int) -> Sequence[Any]:
    values = raw.get(name)
    if values is None:
        return [None] * length
    checked = objects(values, name) if name == "objectData" else values
    if not isinstance(checked, list) or len(checked) != length:
        raise EventError(name, f"a list of {length}, one for each of objectIDs", values)
    return checked


def _by_query(
    occasion: Occasion, name: str, products: Sequence[Product], raw: Raw
) -> list[AnyEvent]:
    """Return interactions whose objects may each name the query that they come from."""
    data = raw.get("objectData") or [{}] * len(products)
    events = []
    for n, (product, about) in enumerate(zip(products, data, strict=True), 1):
        own_id = occasion.event_id if len(products) == 1 else f"{occasion.event_id}:{n}"
        own = Occasion(
            event_id=own_id,
            event_time=occasion.event_time,
            user_id=occasion.user_id,
            session_id=occasion.session_id,
            request_id=optional_id(about.get("queryID"), "objectData.queryID"),
            extra=occasion.extra,
        )
        events += interactions(own, name, [product])
    return events


def _write(event: AnyEvent) -> list[Raw]:
    """Return the event of Insights; none for what it has no type."""
    if isinstance(event, RankingEvent) and len(event.items) > 1:
        ids = [item.item_id for item in event.items]
        return [_written("view", event, ids) | stated({"index": event.surface})]
    if not isinstance(event, InteractionEvent) or event.corrects is not None:
        return []
    subtypes = {kind: name for name, kind in _SUBTYPES.items()}
    if event.type not in ("click", "view", *subtypes):
        return []
    subtype = subtypes.get(event.type)
    name = event.type if subtype is None else "conversion"
    price = None if event.value is None else event.value / (event.quantity or 1.0)
    data = stated({"price": price, "quantity": event.quantity})
    said = {
        "eventSubtype": subtype,
        "objectData": [data] if data else None,
        "currency": event.currency,
    }
    return [_written(name, event, [event.item_id]) | stated(said)]


def _written(name: str, event: RankingEvent | InteractionEvent, ids: list[str]) -> dict[str, Any]:
    sender = {
        "userToken": event.session_id,
        "authenticatedUserToken": event.user_id,
        "queryID": event.request_id,
    }
    about = {"eventType": name, "objectIDs": ids, "timestamp": event.event_time // 1_000}
    return about | stated(sender)


ALGOLIA = Dialect(
    name="algolia",
    description="Algolia Insights: clicks, conversions and views of objects.",
    recognizes=_recognizes,
    parse=_parse,
    write=_write,
    names={
        "event_time": "timestamp",
        "item_id": "objectIDs",
        "type": "eventType",
        "request_id": "queryID",
        "user_id": "authenticatedUserToken",
        "session_id": "userToken",
        "value": "objectData.price",
        "items": "objectIDs",
    },
    label=lambda raw: str(first(raw, "eventName", "eventType", "method")),
)

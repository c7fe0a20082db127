"""Segment's calls, with the events of its ecommerce specification v2.

    call                       becomes
    identify                   user, upsert of the traits, and a link of the anonymous id
    alias                      merge of the previous id into the user, and a link of it
    Product List Viewed        ranking; Product List Filtered and Products Searched too, with
                               products
    Product Clicked            click on the list
    Product Viewed, Product    interaction with each product; of other names with products, such as
      Added, Order Completed   Checkout Started, the type is the name in lower case
    Order Refunded             correction of the order's purchases of its products
    page, screen, group        nothing, nor do tracks without a product

`userId` is the user and `anonymousId` the session, so a call with both links them; `messageId` is
the event id. Clicks have no list: the request id follows from the shopper and the address of the
page, or from `list_id` where no page is sent.
"""

import re
from collections.abc import Mapping
from typing import Any

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
    amount,
    check_size,
    identifier,
    read_currency,
    text,
)
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.reading import (
    content_id,
    extras,
    first,
    leaves,
    list_request_id,
    mapping,
    objects,
    optional_id,
    search_query,
    zone_offset,
)
from feature_repo.events.dialects.shopping import (
    ADD_TO_WISHLIST,
    BEGIN_CHECKOUT,
    REMOVE_FROM_CART,
    Occasion,
    Product,
    interactions,
    refunds,
    slate,
)
from feature_repo.events.dialects.writing import iso_time, stated
from feature_repo.home import EventError, did_you_mean, parse_instant

CALLS = ("track", "identify", "alias", "page", "screen", "group")
_SENDERS = ("anonymousId", "userId", "messageId", "previousId")
_LISTS = ("product list viewed", "product list filtered", "products searched")
_REFUNDS = ("order refunded", "order cancelled")
_TYPES = {
    "product clicked": "click",
    "clicked product": "click",
    "product viewed": "view",
    "viewed product": "view",
    "product added": "add_to_cart",
    "added product": "add_to_cart",
    "order completed": "purchase",
    "completed order": "purchase",
    "product removed": REMOVE_FROM_CART,
    "removed product": REMOVE_FROM_CART,
    "checkout started": BEGIN_CHECKOUT,
    "product added to wishlist": ADD_TO_WISHLIST,
}
_WRITTEN_TYPES = {
    "click": "Product Clicked",
    "view": "Product Viewed",
    "add_to_cart": "Product Added",
    "purchase": "Order Completed",
}
_ITEM_KEYS = {"product_id", "sku", "price", "quantity", "currency", "position"}
_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")


def _recognizes(raw: Raw) -> bool:
    return raw.get("type") in CALLS and any(name in raw for name in _SENDERS)


def _parse(raw: Raw) -> list[AnyEvent]:
    match raw["type"]:
        case "track":
            return _track(raw)
        case "identify":
            return _identify(raw)
        case "alias":
            return _alias(raw)
    return []


def _identify(raw: Raw) -> list[AnyEvent]:
    user_id = optional_id(raw.get("userId"), "userId")
    if user_id is None:
        return []
    traits = mapping(first(raw, "traits") or _context(raw).get("traits"), "traits")
    fields = leaves(traits)
    check_size(fields, "traits")
    event_id, at = _event_id(raw), _time(raw)
    event = UserEvent(event_id=event_id, event_time=at, user_id=user_id, fields=fields)
    anonymous = optional_id(raw.get("anonymousId"), "anonymousId")
    return [event, *_links(event_id, at, user_id, anonymous)]


def _alias(raw: Raw) -> list[AnyEvent]:
    user_id = identifier(raw.get("userId"), "userId")
    previous = identifier(raw.get("previousId"), "previousId")
    if previous == user_id:
        raise EventError("previousId", "another id than userId", previous)
    event_id, at = _event_id(raw), _time(raw)
    merge = UserEvent(
        event_id=event_id, event_time=at, user_id=user_id, op="merge", from_user_id=previous
    )
    return [merge, *_links(event_id, at, user_id, previous)]


def _links(event_id: str, at: int, user_id: str, session_id: str | None) -> list[UserEvent]:
    if session_id is None:
        return []
    return [
        UserEvent(
            event_id=f"{event_id}:link",
            event_time=at,
            op="link",
            user_id=user_id,
            session_id=session_id,
        )
    ]


def _track(raw: Raw) -> list[AnyEvent]:
    name = _event_name(raw)
    properties = mapping(raw.get("properties"), "properties")
    sent = objects(properties.get("products"), "properties.products")
    is_list = "products" in properties
    items = sent if is_list else ([properties] if first(properties, "product_id", "sku") else [])
    currency = first(properties, "currency")
    products = [_product(item, currency) for item in items]
    if is_list and name not in _LISTS:
        products = [
            product._replace(extra=extras(item, _ITEM_KEYS))
            for product, item in zip(products, items, strict=True)
        ]
    order = first(properties, "order_id", "orderId")
    occasion = Occasion(
        event_id=_event_id(raw),
        event_time=_time(raw),
        user_id=optional_id(raw.get("userId"), "userId"),
        session_id=optional_id(raw.get("anonymousId"), "anonymousId"),
        order_id=optional_id(order, "properties.order_id"),
        extra=extras(properties, {"products", "order_id", "query", "list_id", *_ITEM_KEYS}),
    )
    if name in _REFUNDS:
        return _refund(occasion, products)
    if not products:
        if name == "order completed":
            raise EventError("properties.products", "the products of the order", None)
        return []
    kind = _TYPES.get(name, name.replace(" ", "_"))
    if name in _LISTS or kind == "click":
        occasion.request_id = _request_id(raw, properties)
    if name in _LISTS:
        query = first(properties, "query") or search_query(_page(raw))
        return slate(
            occasion,
            products,
            query=None if query is None else text(query, "properties.query"),
            surface=_surface(properties),
            utc_offset_minutes=zone_offset(_context(raw).get("timezone"), occasion.event_time),
        )
    return interactions(occasion, kind, products)


def _refund(occasion: Occasion, products: list[Product]) -> list[AnyEvent]:
    if occasion.order_id is None:
        raise EventError("properties.order_id", "the id of the order", None)
    if not products:
        hint = "Aisle takes back the purchases of products; send the products of the refund."
        raise EventError("properties.products", "the products of the refund", None, hint)
    return refunds(occasion, products)


def _event_name(raw: Raw) -> str:
    name = text(raw.get("event"), "event")
    words = re.sub(r"[\W_]+", " ", name).strip().lower()
    if not words:
        raise EventError("event", "the name of an event", name, did_you_mean(name, CALLS))
    return words


def _product(item: Mapping[str, Any], currency: object) -> Product:
    field = "properties.products"
    price, quantity = first(item, "price"), first(item, "quantity")
    position, own_currency = first(item, "position"), first(item, "currency") or currency
    return Product(
        item_id=identifier(first(item, "product_id", "sku"), f"{field}.product_id"),
        price=None if price is None else amount(price, f"{field}.price"),
        quantity=None if quantity is None else amount(quantity, f"{field}.quantity"),
        currency=None if own_currency is None else read_currency(own_currency, "currency"),
        position=None if position is None else amount(position, f"{field}.position"),
    )


def _request_id(raw: Raw, properties: Mapping[str, Any]) -> str | None:
    """Return the id of a list or of a click on it; None if nothing says which list."""
    shown = _page(raw) or first(properties, "list_id")
    shopper = first(raw, "anonymousId", "userId")
    return None if shown is None else list_request_id("segment", shopper, shown)


def _surface(properties: Mapping[str, Any]) -> str | None:
    surface = first(properties, "list_id", "category")
    return None if surface is None else text(str(surface), "properties.list_id")


def _page(raw: Raw) -> object:
    page = _context(raw).get("page")
    return first(page, "url", "path") if isinstance(page, dict) else None


def _context(raw: Raw) -> Mapping[str, Any]:
    return mapping(raw.get("context"), "context")


def _event_id(raw: Raw) -> str:
    return optional_id(raw.get("messageId"), "messageId") or content_id("segment", raw)


def _time(raw: Raw) -> int:
    name = next((name for name in _TIMES if raw.get(name) is not None), "timestamp")
    return parse_instant(raw.get(name), name)


def _write(event: AnyEvent) -> list[Raw]:
    """Return the call that says an event; none if Segment has none."""
    if isinstance(event, UserEvent):
        return _written_user(event)
    if isinstance(event, RankingEvent) and event.items:
        products = [{"product_id": i.item_id, "position": n} for n, i in enumerate(event.items, 1)]
        said = stated({"list_id": event.surface, "query": event.query})
        return [_tracked("Product List Viewed", event, {"products": products, **said})]
    if not isinstance(event, InteractionEvent) or event.type not in _WRITTEN_TYPES:
        return []
    if event.corrects is not None:
        return []
    price = None if event.value is None else event.value / (event.quantity or 1.0)
    item = stated({"product_id": event.item_id, "price": price, "quantity": event.quantity})
    currency = stated({"currency": event.currency})
    properties = {"products": [item]} if event.type == "purchase" else item
    return [_tracked(_WRITTEN_TYPES[event.type], event, properties | currency)]


def _written_user(event: UserEvent) -> list[Raw]:
    about = {"messageId": event.event_id, "timestamp": iso_time(event.event_time)}
    about["userId"] = event.user_id
    if event.op == "upsert":
        return [about | {"type": "identify", "traits": dict(event.fields)}]
    if event.op == "merge":
        return [about | {"type": "alias", "previousId": event.from_user_id}]
    if event.op == "link":
        return [about | {"type": "identify", "anonymousId": event.session_id}]
    return []


def _tracked(name: str, event: RankingEvent | InteractionEvent, properties: Raw) -> Raw:
    sender = stated({"userId": event.user_id, "anonymousId": event.session_id})
    about = {"type": "track", "event": name, "messageId": event.event_id}
    return about | sender | {"timestamp": iso_time(event.event_time), "properties": properties}


SEGMENT = Dialect(
    name="segment",
    description="Segment's calls, with the events of its ecommerce specification v2.",
    recognizes=_recognizes,
    parse=_parse,
    write=_write,
    names={
        "event_id": "messageId",
        "event_time": "timestamp",
        "item_id": "properties.product_id",
        "type": "event",
        "user_id": "userId",
        "session_id": "anonymousId",
        "value": "properties.price",
        "query": "properties.query",
        "items": "properties.products",
        "fields": "traits",
    },
    label=lambda raw: str(raw.get("event") or raw["type"]),
)

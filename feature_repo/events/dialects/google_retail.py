"""User events of Google's Vertex AI Search for commerce, formerly Google Retail.

    eventType                becomes
    search, category-page-   ranking of the products, if there are any
      view, home-page-view
    detail-page-view         click, if an attribution token says from which list; else view
    add-to-cart, purchase-   interaction with each product; of shopping-cart-page-view and
      complete, …              remove-from-cart the type is the event's
    without products         nothing: what a search showed is unknown

`userInfo.userId` is the user, `visitorId` the session, `attributionToken` the request id. Keys in
snake case are read as those in camel case.
"""

import re
from collections.abc import Mapping
from typing import Any

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    amount,
    identifier,
    read_currency,
    text,
)
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.reading import (
    content_id,
    extras,
    first,
    mapping,
    objects,
    optional_id,
)
from feature_repo.events.dialects.shopping import (
    REMOVE_FROM_CART,
    Occasion,
    Product,
    interactions,
    slate,
)
from feature_repo.events.dialects.writing import iso_time, stated
from feature_repo.home import EventError, did_you_mean, parse_instant, utc_offset_minutes

_LISTS = ("search", "category-page-view", "home-page-view")
_TYPES = {
    "add-to-cart": "add_to_cart",
    "purchase-complete": "purchase",
    "remove-from-cart": REMOVE_FROM_CART,
    "shopping-cart-page-view": "view_cart",
    "promotion-offer-view": "view_promotion",
    "page-visit": "page_visit",
}
EVENT_TYPES = (*_LISTS, "detail-page-view", *_TYPES)
_KEYS = {
    "eventType",
    "visitorId",
    "eventTime",
    "userInfo",
    "attributionToken",
    "productDetails",
    "searchQuery",
    "purchaseTransaction",
}
_SNAKE = re.compile(r"_([a-z])")


def _recognizes(raw: Raw) -> bool:
    return ("eventType" in raw and "visitorId" in raw) or (
        "event_type" in raw and "visitor_id" in raw
    )


def _parse(raw: Raw) -> list[AnyEvent]:
    event_id = content_id("google_retail", raw)
    if "event_type" in raw:
        raw = _camel_case(raw)
    name = raw["eventType"]
    if name not in EVENT_TYPES:
        hint = did_you_mean(name, EVENT_TYPES) if isinstance(name, str) else ""
        raise EventError("eventType", f"one of {', '.join(EVENT_TYPES)}", name, hint)
    transaction = mapping(raw.get("purchaseTransaction"), "purchaseTransaction")
    occasion = Occasion(
        event_id=event_id,
        event_time=parse_instant(raw.get("eventTime"), "eventTime"),
        user_id=optional_id(mapping(raw.get("userInfo"), "userInfo").get("userId"), "userInfo"),
        session_id=identifier(raw["visitorId"], "visitorId"),
        request_id=optional_id(raw.get("attributionToken"), "attributionToken"),
        order_id=optional_id(transaction.get("id"), "purchaseTransaction.id"),
        extra=extras(raw, _KEYS),
    )
    currency = first(transaction, "currencyCode")
    details = (
        objects(raw.get("productDetails"), "productDetails")
        if _has_list(raw)
        else [mapping(raw["productDetails"], "productDetails")]
    )
    products = [_product(detail, currency) for detail in details]
    if not products:
        if name == "purchase-complete":
            raise EventError("productDetails", "the products of the order", None)
        return []
    if name not in _LISTS:
        return interactions(occasion, _type(name, occasion), products)
    query = first(raw, "searchQuery")
    return slate(
        occasion,
        products,
        query=None if query is None else text(query, "searchQuery"),
        surface=name,
        utc_offset_minutes=utc_offset_minutes(raw["eventTime"]),
    )


def _has_list(raw: Raw) -> bool:
    """Return whether the products are a list; Google's own samples have a single object too."""
    return not isinstance(raw.get("productDetails"), dict)


def _type(name: str, occasion: Occasion) -> str:
    if name == "detail-page-view":
        return "view" if occasion.request_id is None else "click"
    return _TYPES[name]


def _product(detail: Mapping[str, Any], currency: object) -> Product:
    product = mapping(detail.get("product"), "productDetails.product")
    prices = mapping(product.get("priceInfo"), "productDetails.product.priceInfo")
    item_id = first(product, "id") or str(first(product, "name") or "").rpartition("/")[2]
    price, quantity = first(prices, "price"), first(detail, "quantity")
    code = first(prices, "currencyCode") or currency
    field = "productDetails.product"
    return Product(
        item_id=identifier(item_id, f"{field}.id"),
        price=None if price is None else amount(price, f"{field}.priceInfo.price"),
        quantity=None if quantity is None else amount(quantity, "productDetails.quantity"),
        currency=None if code is None else read_currency(code, "currencyCode"),
    )


def _camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _SNAKE.sub(lambda match: match[1].upper(), name): _camel_case(inner)
            for name, inner in value.items()
        }
    return [*map(_camel_case, value)] if isinstance(value, list) else value


def _write(event: AnyEvent) -> list[Raw]:
    """Return the user event; none for what has no type, or no visitor."""
    if isinstance(event, RankingEvent) and event.items and event.session_id is not None:
        details: list[Raw] = [{"product": {"id": item.item_id}} for item in event.items]
        written = _written("search", event, details)
        written["eventTime"] = iso_time(event.event_time, event.utc_offset_minutes)
        return [written | stated({"searchQuery": event.query})]
    if not isinstance(event, InteractionEvent) or event.session_id is None:
        return []
    name = _written_type(event)
    if name is None or event.corrects is not None:
        return []
    price = None if event.value is None else event.value / (event.quantity or 1.0)
    prices = stated({"price": price, "currencyCode": event.currency})
    product = {"id": event.item_id, "priceInfo": prices}
    return [_written(name, event, [{"product": product, **stated({"quantity": event.quantity})}])]


def _written_type(event: InteractionEvent) -> str | None:
    if event.type in ("click", "view"):
        is_from_list = event.request_id is not None
        return "detail-page-view" if is_from_list == (event.type == "click") else None
    return {"add_to_cart": "add-to-cart", "purchase": "purchase-complete"}.get(event.type)


def _written(
    name: str, event: RankingEvent | InteractionEvent, details: list[Raw]
) -> dict[str, Any]:
    user = None if event.user_id is None else {"userId": event.user_id}
    said = {"userInfo": user, "attributionToken": event.request_id}
    about = {"eventType": name, "visitorId": event.session_id, "productDetails": details}
    return {**about, "eventTime": iso_time(event.event_time), **stated(said)}


GOOGLE_RETAIL = Dialect(
    name="google_retail",
    description="User events of Google Retail, now Vertex AI Search for commerce.",
    recognizes=_recognizes,
    parse=_parse,
    write=_write,
    names={
        "event_time": "eventTime",
        "item_id": "productDetails.product.id",
        "type": "eventType",
        "request_id": "attributionToken",
        "user_id": "userInfo.userId",
        "session_id": "visitorId",
        "value": "productDetails.product.priceInfo.price",
        "query": "searchQuery",
        "items": "productDetails",
    },
    label=lambda raw: str(raw.get("eventType", raw.get("event_type"))),
)

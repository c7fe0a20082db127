"""Google Analytics 4: rows of its BigQuery export, and payloads of the Measurement Protocol.

    event                        becomes
    view_item_list               ranking; view_search_results too, if it has items
    select_item                  click on the list
    view_item, add_to_cart,      interaction with each item; of other names that have items, such as
      purchase, …                begin_checkout, the name is the type
    refund                       correction of the order's purchases of its items
    other events without items   nothing

`user_id` is the user and the device (`user_pseudo_id`, `client_id`) the session, so that a log-in
joins what the device did before. A list has no id of a request: its id follows from device, visit,
list and page, which the clicks on the page repeat. The query is `search_term`, or the one in the
address of the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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
    list_request_id,
    mapping,
    objects,
    optional_id,
    search_query,
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
from feature_repo.events.dialects.writing import stated
from feature_repo.home import EventError, parse_instant

_LISTS = ("view_item_list", "view_search_results")
_TYPES = {
    "select_item": "click",
    "view_item": "view",
    "add_to_cart": "add_to_cart",
    "purchase": "purchase",
    "remove_from_cart": REMOVE_FROM_CART,
    "begin_checkout": BEGIN_CHECKOUT,
    "add_to_wishlist": ADD_TO_WISHLIST,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_VALUE_KEYS = ("string_value", "int_value", "float_value", "double_value")
_LIST_KEYS = ("item_list_id", "item_list_name")
_PARAM_KEYS = {
    "items",
    "search_term",
    "transaction_id",
    "currency",
    "event_id",
    *_LIST_KEYS,
}
_ITEM_KEYS = {
    "item_id",
    "price",
    "price_in_usd",
    "quantity",
    "currency",
    "index",
    "item_list_index",
    "item_revenue",
    "item_revenue_in_usd",
    "item_refund",
    "item_refund_in_usd",
    *_LIST_KEYS,
}


class _Hit(NamedTuple):
    """An event of either source.

    Attributes:
        params: values by name.
        items: of the event.
        ecommerce: of a row of BigQuery.
        path: of the parameters, for messages.
    """

    name: str
    event_time: int
    params: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    ecommerce: Mapping[str, Any]
    user_id: str | None
    device: str | None
    path: str


def _recognizes(raw: Raw) -> bool:
    if "event_name" in raw:
        return "event_timestamp" in raw or "event_params" in raw
    if "client_id" in raw or "app_instance_id" in raw:
        return "events" in raw or ("name" in raw and "params" in raw)
    return False


def _unwrap(raw: Raw) -> Sequence[Raw]:
    """Return the events of a payload, each with its sender and time."""
    if "events" not in raw or "event_name" in raw:
        return (raw,)
    sender = {name: value for name, value in raw.items() if name != "events"}
    return [{"params": {}, **sender, **event} for event in objects(raw["events"], "events")]


def _parse(raw: Raw) -> list[AnyEvent]:
    return _events(_row(raw) if "event_name" in raw else _payload(raw), raw)


def _row(raw: Raw) -> _Hit:
    params: dict[str, Any] = {}
    for n, entry in enumerate(objects(raw.get("event_params"), "event_params")):
        key = text(entry.get("key"), f"event_params[{n}].key")
        value = mapping(entry.get("value"), f"event_params.{key}")
        params[key] = next(
            (value[name] for name in _VALUE_KEYS if value.get(name) is not None), None
        )
    return _Hit(
        name=text(raw["event_name"], "event_name"),
        event_time=parse_instant(raw.get("event_timestamp"), "event_timestamp"),
        params=params,
        items=objects(raw.get("items"), "items"),
        ecommerce=mapping(raw.get("ecommerce"), "ecommerce"),
        user_id=optional_id(raw.get("user_id"), "user_id"),
        device=optional_id(raw.get("user_pseudo_id"), "user_pseudo_id"),
        path="event_params.",
    )


def _payload(raw: Raw) -> _Hit:
    params = mapping(raw.get("params"), "params")
    if raw.get("timestamp_micros") is None:
        hint = "Aisle cannot know when a payload was sent; add the time to it."
        raise EventError("timestamp_micros", "microseconds since 1970", None, hint)
    return _Hit(
        name=text(raw.get("name"), "name"),
        event_time=parse_instant(raw["timestamp_micros"], "timestamp_micros"),
        params=params,
        items=objects(params.get("items"), "params.items"),
        ecommerce={},
        user_id=optional_id(raw.get("user_id"), "user_id"),
        device=optional_id(first(raw, "client_id", "app_instance_id"), "client_id"),
        path="params.",
    )


def _events(hit: _Hit, raw: Raw) -> list[AnyEvent]:
    if not hit.items:
        return _without_items(hit)
    order = first(hit.params, "transaction_id") or first(hit.ecommerce, "transaction_id")
    occasion = Occasion(
        event_id=content_id("ga4", raw),
        event_time=hit.event_time,
        user_id=hit.user_id,
        session_id=hit.device,
        order_id=optional_id(order, f"{hit.path}transaction_id"),
        extra=extras(hit.params, _PARAM_KEYS),
    )
    products = [_product(hit, item) for item in hit.items]
    if hit.name == "refund":
        if occasion.order_id is None:
            raise EventError(f"{hit.path}transaction_id", "the id of the order", None)
        return refunds(occasion, products)
    occasion.request_id = _request_id(hit)
    if hit.name in _LISTS:
        query = first(hit.params, "search_term") or search_query(_page(hit))
        return slate(
            occasion,
            products,
            query=None if query is None else text(query, f"{hit.path}search_term"),
            surface=_list(hit),
        )
    return interactions(occasion, _TYPES.get(hit.name, hit.name), products)


def _without_items(hit: _Hit) -> list[AnyEvent]:
    """Return no event, except for orders: without their items they are errors."""
    if hit.name in ("purchase", "refund"):
        hint = "An amount without items says nothing of a product; send the items."
        field = "items" if hit.path == "event_params." else "params.items"
        raise EventError(field, f"the items of the {hit.name}", None, hint)
    return []


def _product(hit: _Hit, item: Mapping[str, Any]) -> Product:
    item_id = first(item, "item_id", "item_name")
    price = first(item, "price")
    quantity = first(item, "quantity")
    currency = first(item, "currency") or first(hit.params, "currency")
    position = first(item, "index", "item_list_index")
    return Product(
        item_id=identifier(item_id, "items.item_id"),
        price=None if price is None else amount(price, "items.price"),
        quantity=None if quantity is None else amount(quantity, "items.quantity"),
        currency=None if currency is None else read_currency(currency, f"{hit.path}currency"),
        position=None if position is None else amount(position, "items.index"),
        extra=None if hit.name in _LISTS else extras(item, _ITEM_KEYS),
    )


def _request_id(hit: _Hit) -> str | None:
    """Return the id of a list or of a click on it; None if nothing says which list."""
    shown, page = _list(hit), _page(hit)
    visit = first(hit.params, "ga_session_id", "session_id")
    if hit.name not in (*_LISTS, "select_item") or (shown is None and page is None):
        return None
    return list_request_id("ga4", hit.device, visit, shown, page)


def _list(hit: _Hit) -> str | None:
    """Return the id or name of the list that the event or its first item names."""
    named = first(hit.params, *_LIST_KEYS) or first(hit.items[0], *_LIST_KEYS)
    if named is None:
        return None
    return identifier(named, f"{hit.path}item_list_id")


def _page(hit: _Hit) -> object:
    return first(hit.params, "page_location")


def _write(event: AnyEvent) -> list[Raw]:
    """Return a payload of the Measurement Protocol; none for what has no event of Analytics."""
    if isinstance(event, RankingEvent) and event.items:
        params: dict[str, Any] = {"items": [{"item_id": item.item_id} for item in event.items]}
        said = {"item_list_id": event.surface, "search_term": event.query}
        return [_written("view_item_list", event, params | stated(said))]
    if not isinstance(event, InteractionEvent) or event.type not in _NAMES:
        return []
    if event.corrects is not None:
        return []
    price = None if event.value is None else event.value / (event.quantity or 1.0)
    item = {"item_id": event.item_id, "price": price, "quantity": event.quantity}
    params = {"items": [stated(item)]} | stated({"currency": event.currency})
    return [_written(_NAMES[event.type], event, params)]


def _written(name: str, event: RankingEvent | InteractionEvent, params: Raw) -> Raw:
    sender = {"client_id": event.session_id or "", **stated({"user_id": event.user_id})}
    said = {"name": name, "params": dict(params)}
    return sender | {"timestamp_micros": event.event_time, "events": [said]}


def _label(raw: Raw) -> str:
    return str(raw.get("event_name") or raw.get("name"))


GA4 = Dialect(
    name="ga4",
    description="Google Analytics 4: rows of the BigQuery export, Measurement Protocol payloads.",
    recognizes=_recognizes,
    parse=_parse,
    write=_write,
    names={
        "event_time": "event_timestamp",
        "item_id": "items.item_id",
        "type": "event_name",
        "value": "items.price",
        "currency": "currency",
        "session_id": "user_pseudo_id",
        "query": "search_term",
        "items": "items",
    },
    unwrap=_unwrap,
    label=_label,
)

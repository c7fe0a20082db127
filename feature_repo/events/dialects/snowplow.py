"""Snowplow's enriched events with the actions and contexts of its ecommerce schemas.

    action                     becomes
    list_view                  ranking of the product contexts
    list_click                 click on the list
    product_view, add_to_cart, interaction with each product; of other actions with products, such
      transaction, …             as remove_from_cart, the action is the type
    refund                     correction of the transaction's purchases of its products
    without products           nothing

Rows of a warehouse have a column for each schema (`contexts_com_…_product_1_0_0`), as text or as
lists; events before the warehouse have `contexts` and `unstruct_event`. `user_id`, or the id of the
user context, is the user, and `domain_userid` the session. The page view, which a click on a list
has too, and the list's name make its request id.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from feature_repo.events.contract import AnyEvent, amount, identifier, read_currency, text
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.reading import (
    content_id,
    extras,
    first,
    list_request_id,
    objects,
    optional_id,
    search_query,
    zone_offset,
)
from feature_repo.events.dialects.shopping import (
    BEGIN_CHECKOUT,
    REMOVE_FROM_CART,
    Occasion,
    Product,
    interactions,
    refunds,
    slate,
)
from feature_repo.home import EventError, parse_instant

_TIMES = ("derived_tstamp", "true_tstamp", "dvce_created_tstamp", "collector_tstamp")
_ENVELOPE = ("collector_tstamp", "derived_tstamp", "dvce_created_tstamp")
_COLUMN = re.compile(r"(?:contexts|unstruct_event)_(?P<schema>com_\w+?)(?:_\d+){1,3}$")
_SCHEMA = re.compile(r"iglu:(?P<vendor>[^/]+)/(?P<name>[^/]+)/")
_VENDOR = "com_snowplowanalytics_snowplow"
_ACTION = (
    f"{_VENDOR}_ecommerce_snowplow_ecommerce_action",
    f"{_VENDOR}_ecommerce_action",
)
_PRODUCT, _USER = f"{_VENDOR}_ecommerce_product", f"{_VENDOR}_ecommerce_user"
_TRANSACTION, _REFUND = f"{_VENDOR}_ecommerce_transaction", f"{_VENDOR}_ecommerce_refund"
_PAGE_VIEW = f"{_VENDOR}_web_page"
_TYPES = {
    "list_click": "click",
    "product_view": "view",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": REMOVE_FROM_CART,
    "checkout_step": BEGIN_CHECKOUT,
    "transaction": "purchase",
}
_PRODUCT_KEYS = {"id", "price", "quantity", "currency", "position"}
_ORDER_KEYS = {"transaction_id", "currency"}

_Contexts = Mapping[str, Sequence[Mapping[str, Any]]]


def _recognizes(raw: Raw) -> bool:
    return any(name in raw for name in _ENVELOPE) or ("root_id" in raw and "root_tstamp" in raw)


def _parse(raw: Raw) -> list[AnyEvent]:
    if "root_id" in raw:
        return []
    contexts = _contexts(raw)
    action = next((contexts[name][0] for name in _ACTION if contexts.get(name)), {})
    name = first(action, "type")
    if name is None:
        return []
    name = text(name, "snowplow_ecommerce_action.type")
    order = next((contexts[key][0] for key in (_REFUND, _TRANSACTION) if contexts.get(key)), {})
    person = contexts.get(_USER, ({},))[0:1] or ({},)
    products = [_product(product, order) for product in contexts.get(_PRODUCT, ())]
    at = _time(raw)
    occasion = Occasion(
        event_id=optional_id(raw.get("event_id"), "event_id") or content_id("snowplow", raw),
        event_time=at,
        user_id=optional_id(first(raw, "user_id") or first(person[0], "id"), "user_id"),
        session_id=optional_id(first(raw, "domain_userid", "network_userid"), "domain_userid"),
        order_id=optional_id(first(order, "transaction_id"), "transaction_id"),
        extra=extras({"list": first(action, "name"), **order}, _ORDER_KEYS),
    )
    if not products:
        if name in ("transaction", "refund"):
            hint = "An amount without products says nothing of an item; send the product contexts."
            raise EventError("product", f"the products of the {name}", None, hint)
        return []
    if name == "refund":
        if occasion.order_id is None:
            raise EventError("refund.transaction_id", "the id of the transaction", None)
        return refunds(occasion, products)
    shown = first(action, "name")
    if name in ("list_view", "list_click"):
        occasion.request_id = _request_id(raw, contexts, shown)
    if name == "list_view":
        return slate(
            occasion,
            products,
            query=search_query(raw.get("page_url")),
            surface=None if shown is None else text(shown, "snowplow_ecommerce_action.name"),
            utc_offset_minutes=zone_offset(first(raw, "os_timezone", "geo_timezone"), at),
        )
    return interactions(occasion, _TYPES.get(name, name), products)


def _product(product: Mapping[str, Any], order: Mapping[str, Any]) -> Product:
    price, quantity = first(product, "price"), first(product, "quantity")
    currency, position = (
        first(product, "currency") or first(order, "currency"),
        product.get("position"),
    )
    return Product(
        item_id=identifier(first(product, "id"), "product.id"),
        price=None if price is None else amount(price, "product.price"),
        quantity=None if quantity is None else amount(quantity, "product.quantity"),
        currency=None if currency is None else read_currency(currency, "product.currency"),
        position=None if position is None else amount(position, "product.position"),
        extra=extras(product, _PRODUCT_KEYS),
    )


def _request_id(raw: Raw, contexts: _Contexts, shown: object) -> str | None:
    views = contexts.get(_PAGE_VIEW) or ({},)
    page = first(views[0], "id") or first(raw, "page_url")
    return None if page is None else list_request_id("snowplow", page, shown)


def _time(raw: Raw) -> int:
    name = next((name for name in _TIMES if raw.get(name) not in (None, "")), _TIMES[0])
    value = raw.get(name)
    return parse_instant(value.removesuffix(" UTC") if isinstance(value, str) else value, name)


def _contexts(raw: Raw) -> _Contexts:
    """Return the data of each schema, its versions together."""
    contexts: dict[str, list[Mapping[str, Any]]] = {}
    for name, value in raw.items():
        schema = _schema_of(name)
        if schema is not None and value not in (None, "", "[]"):
            data = _decoded(value, name)
            contexts.setdefault(schema, []).extend(data)
    for name in ("contexts", "derived_contexts", "unstruct_event"):
        if raw.get(name):
            for schema, described in _self_describing(_decoded(raw[name], name), name):
                contexts.setdefault(schema, []).append(described)
    return contexts


def _self_describing(
    envelopes: Sequence[Mapping[str, Any]], field: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return schema and data of self-describing JSON; the outer envelope only groups others."""
    described = []
    for envelope in envelopes:
        match = _SCHEMA.match(str(envelope.get("schema", "")))
        if match is None:
            raise EventError(f"{field}.schema", "an iglu address", envelope.get("schema"))
        inner = _decoded(envelope.get("data"), f"{field}.data")
        if match["name"] in ("contexts", "unstruct_event"):
            described += _self_describing(inner, field)
        else:
            name = match["name"]
            described += [(f"{match['vendor'].replace('.', '_')}_{name}", data) for data in inner]
    return described


def _decoded(value: object, field: str) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a column: text of JSON, an object, or a list of objects."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            raise EventError(field, "JSON text of objects", value) from None
    return objects([value] if isinstance(value, dict) else value, field)


@lru_cache(maxsize=1_000)
def _schema_of(column: str) -> str | None:
    """Return the schema of a column, without its version; None for other columns."""
    match = _COLUMN.match(column)
    return None if match is None else match["schema"]


SNOWPLOW = Dialect(
    name="snowplow",
    description="Snowplow's enriched events with ecommerce actions and contexts.",
    recognizes=_recognizes,
    parse=_parse,
    names={
        "event_time": _TIMES[0],
        "item_id": "product.id",
        "type": "snowplow_ecommerce_action.type",
        "session_id": "domain_userid",
        "value": "product.price",
        "items": "product",
    },
    label=lambda raw: "context table" if "root_id" in raw else str(raw.get("event_name")),
)

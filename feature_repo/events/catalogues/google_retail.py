"""Products of Google Retail (Vertex AI Search for commerce), in snake or camel case."""

from typing import Any

from feature_repo.events.catalogues.amounts import read_price, read_quantity
from feature_repo.events.catalogues.catalogue import Catalogue, has_names
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.catalogues.item_state import (
    category_levels,
    first,
    flat,
    in_stock,
    item_state,
    prices,
    stock,
)
from feature_repo.events.contract import ItemEvent
from feature_repo.home import EventError

NAME = "google_retail_products"
AVAILABILITY = ("IN_STOCK", "OUT_OF_STOCK", "PREORDER", "BACKORDER", "AVAILABILITY_UNSPECIFIED")
_SPELLINGS = names(
    id="",
    name="",
    title="",
    categories="",
    brands="",
    description="",
    type="",
    tags="",
    priceInfo="",
    availability="",
    availableQuantity="",
    images="",
    attributes="",
    uri="",
    primaryProductId="",
    languageCode="",
    gtin="",
    rating="",
    colorInfo="",
    audience="",
    updateTime="",
    retrievableFields="",
    publishTime="",
    availableTime="",
    expireTime="",
    ttl="",
)
_DROPPED = ("retrievableFields", "name", "type")
_OWN = ("priceInfo", "categories", "brands", "images", "attributes", "availableQuantity", "uri")


def _recognizes(raw: Raw) -> bool:
    others = ("priceInfo", "categories", "retrievableFields", "primaryProductId")
    is_nested = any(isinstance(value, dict | list) for value in raw.values())
    is_other = {"objectID", "event", "kind", "userInfo"} & raw.keys()
    return (
        is_nested
        and not is_other
        and has_names(raw, _SPELLINGS, ("title",), any_of=1, others=others)
    )


def _parse(raw: Raw) -> list[ItemEvent]:
    product = renamed(raw, _SPELLINGS)
    item_id = product.get("id") or str(product.get("name") or "").rpartition("/")[2] or None
    primary = product.get("primaryProductId") or item_id
    images = _objects(product, "images")
    fields: dict[str, Any] = {
        "title": _title(product),
        "description": product.get("description"),
        "category": category_levels(_texts(product, "categories")),
        "brand": first(product.get("brands")),
        "image": images[0].get("uri") if images else None,
        "url": product.get("uri"),
        "group": primary,
        "images": [one.get("uri") for one in images] if len(images) > 1 else None,
        **_prices(product),
        **_stock(product),
        **_attributes(product.get("attributes")),
    }
    consumed = {*_DROPPED, *_OWN, "id", "primaryProductId", "updateTime"}
    for name, value in product.items():
        if name not in consumed and name not in fields:
            fields |= flat(value, "language" if name == "languageCode" else name)
    return [item_state(NAME, item_id, fields, id_field="id", updated_at=product.get("updateTime"))]


def _title(product: Raw) -> str:
    title = product.get("title")
    if not isinstance(title, str) or not title.strip():
        raise EventError("title", "a text", title)
    return title


def _prices(product: Raw) -> dict[str, Any]:
    info = product.get("priceInfo") or {}
    if not isinstance(info, dict):
        raise EventError("priceInfo", "an object with price and currencyCode", info)
    info = renamed(info, _PRICE)
    cost = read_price(info.get("cost"), "priceInfo.cost")
    found = prices(
        read_price(info.get("price"), "priceInfo.price"),
        read_price(info.get("originalPrice"), "priceInfo.originalPrice"),
        info.get("currencyCode"),
    )
    return found | ({} if cost is None else {"cost": cost.value})


_PRICE = names(price="", originalPrice="", cost="", currencyCode="currency")


def _stock(product: Raw) -> dict[str, Any]:
    availability = product.get("availability") or None
    if availability is not None and availability not in AVAILABILITY:
        raise EventError("availability", f"one of {', '.join(AVAILABILITY)}", availability)
    quantity = read_quantity(product.get("availableQuantity"), "availableQuantity")
    stated = None if availability == AVAILABILITY[-1] else availability
    return stock(quantity, in_stock(stated, "availability"))


def _attributes(value: Any) -> dict[str, Any]:
    """Return custom attributes, which are an object of key and value, or a list of such pairs."""
    if value is None:
        return {}
    pairs = value.items() if isinstance(value, dict) else [_pair(one) for one in _listed(value)]
    fields = {}
    for key, attribute in pairs:
        if not isinstance(attribute, dict):
            raise EventError(f"attributes.{key}", "an object with text or numbers", attribute)
        texts, numbers = attribute.get("text"), attribute.get("numbers")
        values = texts if texts else numbers
        if values:
            listed = values if isinstance(values, list) else [values]
            fields[key] = listed[0] if len(listed) == 1 else listed
    return fields


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise EventError("attributes", "an object, or a list of key and value", value)
    return value


def _pair(one: Any) -> tuple[str, Any]:
    if not isinstance(one, dict) or not isinstance(one.get("key"), str):
        raise EventError("attributes", "objects with key and value", one)
    return one["key"], one.get("value")


def _texts(product: Raw, name: str) -> list[str]:
    value = product.get(name) or []
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in listed):
        raise EventError(name, "a list of texts", value)
    return listed


def _objects(product: Raw, name: str) -> list[dict[str, Any]]:
    value = product.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise EventError(name, "a list of objects", value)
    return value


GOOGLE_RETAIL_PRODUCTS = Catalogue(
    name=NAME,
    description="Products of Google Retail, one JSON object each.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
)

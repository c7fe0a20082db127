"""Products of schema.org in JSON-LD, as pages of shops embed them."""

from collections.abc import Iterator
from typing import Any

from feature_repo.events.catalogues.amounts import Amount, read_price
from feature_repo.events.catalogues.catalogue import Catalogue
from feature_repo.events.catalogues.column_names import Raw
from feature_repo.events.catalogues.item_state import (
    category_levels,
    first,
    flat,
    in_stock,
    item_state,
    prices,
)
from feature_repo.events.contract import ItemEvent
from feature_repo.home import EventError

NAME = "schema_org_products"
_IDS = ("sku", "productID", "mpn", "gtin13", "gtin", "gtin14", "gtin12", "gtin8", "@id", "url")
_FORMER = ("ListPrice", "StrikethroughPrice", "SRP", "MSRP")
_INHERITED = ("name", "description", "brand", "image", "category", "url")
_CONSUMED = {
    *("@context", "@type", "@id", "name", "description", "sku", "productID", "brand", "image"),
    *("category", "url", "offers", "aggregateRating", "review", "reviews", "additionalProperty"),
    *("hasVariant", "isVariantOf", "inProductGroupWithID", "productGroupID", "dateModified"),
    *("mainEntityOfPage", "isRelatedTo", "isSimilarTo", "variesBy"),
}
"""Keys that other fields are made of, and links to other things; reviews name persons."""


def products(node: object) -> Iterator[dict[str, Any]]:
    """Yield the products of a document, with the variants of a group: graphs and lists are read."""
    if isinstance(node, list):
        for one in node:
            yield from products(one)
    elif isinstance(node, dict):
        if types_of(node) & {"Product", "IndividualProduct", "ProductModel", "ProductGroup"}:
            yield from _variants(node)
            return
        for key in ("@graph", "itemListElement", "item", "mainEntity"):
            yield from products(node.get(key))


def types_of(node: Raw) -> set[str]:
    """Return the types of a node, without the address of schema.org."""
    listed = node.get("@type")
    types = listed if isinstance(listed, list) else [listed]
    return {str(one).rpartition("/")[2].rpartition(":")[2] for one in types}


def _variants(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    variants = node.get("hasVariant")
    listed = [one for one in (variants if isinstance(variants, list) else [variants]) if one]
    if not all(isinstance(one, dict) for one in listed):
        raise EventError("hasVariant", "products", variants)
    inherited = {"@type": "Product"} | {key: node[key] for key in _INHERITED if key in node}
    group = {"productGroupID": node.get("productGroupID") or node.get("sku") or node.get("@id")}
    for variant in listed:
        yield {**inherited, **group, **variant}
    if not listed:
        yield node


def _parse(raw: Raw) -> list[ItemEvent]:
    states = [_state(node) for node in products(raw)]
    if not states:
        raise EventError("@type", "Product or ProductGroup", raw.get("@type"))
    return states


def _state(node: dict[str, Any]) -> ItemEvent:
    item_id = next((value for key in _IDS if (value := _id(node.get(key)))), None)
    title = node.get("name")
    if not isinstance(title, str) or not title.strip():
        raise EventError("name", "a text", title)
    offer = _offer(node.get("offers"))
    category = node.get("category")
    rating = node.get("aggregateRating")
    fields: dict[str, Any] = {
        "title": title,
        "description": node.get("description"),
        "category": category_levels(
            map(_name, category if isinstance(category, list) else [category] if category else []),
            (">", " / "),
        ),
        "brand": _name(first(node.get("brand"))),
        "image": _image(first(node.get("image"))),
        "url": node.get("url") or offer.get("url"),
        "group": _group(node) or item_id,
        "stock": in_stock(offer.get("availability"), "offers.availability"),
        **_prices(offer),
        **_rating(rating if isinstance(rating, dict) else {}),
        **_properties(node.get("additionalProperty")),
    }
    for name, value in node.items():
        if name not in _CONSUMED and name not in fields and value is not None:
            fields |= flat(_plain(value), name)
    updated = node.get("dateModified")
    return item_state(NAME, item_id, fields, id_field="sku", updated_at=updated)


def _id(value: object) -> object:
    identity = first(value)
    return identity.get("value") if isinstance(identity, dict) else identity


def _group(node: Raw) -> object:
    parent = first(node.get("isVariantOf"))
    named = parent.get("productGroupID", parent.get("@id")) if isinstance(parent, dict) else parent
    return node.get("productGroupID") or node.get("inProductGroupWithID") or named


def _name(value: Any) -> Any:
    """Return the name of a thing; any other value as it is."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return value["name"]
    return value


def _plain(value: Any) -> Any:
    """Return the name of a thing, or what it says besides its type."""
    if isinstance(value, dict) and _name(value) is value:
        return {key: inner for key, inner in value.items() if not key.startswith("@")}
    return _name(value)


def _image(value: object) -> object:
    if isinstance(value, dict):
        return value.get("url") or value.get("contentUrl")
    return value


def _offer(value: object) -> dict[str, Any]:
    """Return the offer that counts: the cheapest of those that are not out of stock, if any is."""
    listed = [one for one in (value if isinstance(value, list) else [value]) if one]
    offers = []
    for one in listed:
        if not isinstance(one, dict):
            raise EventError("offers", "an offer, or a list of them", value)
        inner = one.get("offers")
        nested = inner if isinstance(inner, list) else []
        offers += [offer for offer in nested if isinstance(offer, dict)] or [one]
    if not offers:
        return {}

    def order(offer: dict[str, Any]) -> tuple[bool, float]:
        price = _price(offer)
        is_out = in_stock(offer.get("availability"), "offers.availability") is False
        return is_out, float("inf") if price is None else price.value

    return min(offers, key=order)


def _price(offer: Raw) -> Amount | None:
    amount = read_price(offer.get("price", offer.get("lowPrice")), "offers.price")
    current = [one for one in _specifications(offer) if not _is_former(one)]
    if amount is None and current:
        return read_price(current[0].get("price"), "offers.priceSpecification.price")
    return amount


def _prices(offer: Raw) -> dict[str, Any]:
    specifications = _specifications(offer)
    former = next((one.get("price") for one in specifications if _is_former(one)), None)
    codes = [offer.get("priceCurrency"), *(one.get("priceCurrency") for one in specifications)]
    currency = next(filter(None, codes), None)
    return prices(_price(offer), read_price(former, "offers.priceSpecification.price"), currency)


def _specifications(offer: Raw) -> list[dict[str, Any]]:
    value = offer.get("priceSpecification")
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _is_former(specification: Raw) -> bool:
    return str(specification.get("priceType", "")).rpartition("/")[2] in _FORMER


def _rating(rating: Raw) -> dict[str, Any]:
    counts = rating.get("reviewCount", rating.get("ratingCount"))
    value, count = read_price(rating.get("ratingValue"), "rating"), read_price(counts, "reviews")
    rated = {} if value is None else {"rating": value.value}
    return rated | ({} if count is None else {"reviews": count.value})


def _properties(value: object) -> dict[str, Any]:
    listed = value if isinstance(value, list) else [value]
    pairs = [one for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)]
    return {one["name"]: one["value"] for one in pairs if one.get("value") is not None}


SCHEMA_ORG_PRODUCTS = Catalogue(
    name=NAME,
    description="Products of schema.org in JSON-LD, alone, in a @graph, or in a page of HTML.",
    recognizes=lambda raw: "@type" in raw or "@graph" in raw,
    parse=_parse,
    unwrap=lambda raw: [*products(raw)] or [raw],
)

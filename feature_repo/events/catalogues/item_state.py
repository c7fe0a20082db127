"""The event of one product of a catalogue: the state of an item, without what the export lacks.

An export says what a product is, not what changed, so a state has the fields of `STATE` even where
they are null: a sale that ended removes the former price.  A state without a time of its own has
the time `UNDATED`; the ingest dates it (`catalogue_states.py`), the service receives it now.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from feature_repo.events.catalogues.amounts import Amount
from feature_repo.events.catalogues.plain_text import plain_text
from feature_repo.events.contract import (
    FieldValue,
    ItemEvent,
    check_size,
    identifier,
    read_currency,
    shop_field,
)
from feature_repo.home import EventError, parse_instant

UNDATED = 0
"""The `event_time` of a state whose export has no time."""

PREFIX = "catalogue:"
STATE = (
    "title",
    "description",
    "category",
    "brand",
    "price",
    "list_price",
    "currency",
    "stock",
    "image",
    "url",
    "group",
)
"""Fields that every state has; Aisle knows the roles of most by their names."""

LEVEL = " > "
"""Separates the levels of a category."""

_IN_STOCK = """
in stock|instock|available|limited availability|limitedavailability|online only|onlineonly
instoreonly|preorder|pre order|presale|backorder|back order|made to order|madetoorder|yes|true|1
auf lager|lieferbar|verfügbar|vorrätig|vorbestellt|en stock|disponible|disponibile|in voorraad
op voorraad|na stanie|dostępny|reservado|sur commande|précommande
"""
_OUT_OF_STOCK = """
out of stock|outofstock|unavailable|not available|sold out|soldout|discontinued|reserved|no|false
0|ausverkauft|nicht auf lager|nicht vorrätig|nicht verfügbar|agotado|sin existencias
rupture de stock|en rupture de stock|épuisé|esaurito|non disponibile|niet op voorraad
uitverkocht|brak w magazynie|niedostępny
"""
_AVAILABLE = dict.fromkeys(re.split(r"[|\n]", _IN_STOCK.strip()), True) | dict.fromkeys(
    re.split(r"[|\n]", _OUT_OF_STOCK.strip()), False
)
"""What shops write about availability, and whether a shopper can buy."""


def item_state(
    catalogue: str,
    item_id: object,
    fields: Mapping[str, Any],
    *,
    id_field: str,
    updated_at: object = None,
    is_visible: bool = True,
) -> ItemEvent:
    """Return the event of a product; a hidden product is deleted, which hides its item.

    Args:
        catalogue: name of the format; part of the event's id.
        item_id: as the export writes it.
        fields: those of `STATE` that the export has, and the shop's own; texts may be HTML.
        id_field: the sender's name of the id.
        updated_at: when the product last changed, if the export says so readably.
        is_visible: whether shoppers may see it.

    Raises:
        EventError: a value cannot be a field, or the id is none.
    """
    item = identifier(item_id.strip() if isinstance(item_id, str) else item_id, id_field)
    at = _instant(updated_at)
    state = {name: fields.get(name) for name in STATE} | dict(fields) if is_visible else {}
    read = {name: shop_field(_clean(value), name) for name, value in state.items()}
    check_size(read, "fields")
    content = msgspec.json.encode([item, is_visible, at, sorted(read.items())])
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return ItemEvent(
        event_id=f"{PREFIX}{catalogue}:{digest}",
        event_time=at,
        item_id=item,
        op="upsert" if is_visible else "delete",
        fields=read,
    )


def is_state(event_id: str) -> bool:
    """Return whether an event is the state of a catalogue's product."""
    return event_id.startswith(PREFIX)


def prices(
    price: Amount | None, former: Amount | None, currency: object = None
) -> dict[str, FieldValue]:
    """Return the fields of a price and of a former one, which counts only if it is higher.

    Args:
        price: None if only the former one is known, which then is the price.
        former: the regular price of a product on sale.
        currency: of both, unless an amount has its own.
    """
    if price is None:
        price, former = former, None
    if price is None:
        return {}
    code = price.currency or (currency if isinstance(currency, str) else None)
    return {
        "price": price.value,
        "list_price": former.value if former and former.value > price.value else None,
        "currency": read_currency(code, "currency") if code and code.strip() else None,
    }


def in_stock(value: object, field: str) -> bool | None:
    """Read what a shop writes about availability; None without a value.

    >>> in_stock("https://schema.org/InStock", "availability"), in_stock("out_of_stock", "x")
    (True, False)

    Raises:
        EventError: the value says neither.
    """
    if value is None or isinstance(value, bool) or value == "":
        return value if isinstance(value, bool) else None
    written = str(value).strip().rpartition("/")[2].replace("_", " ").replace("-", " ").casefold()
    if written not in _AVAILABLE:
        raise EventError(field, "in stock, out of stock, preorder or backorder", value)
    return _AVAILABLE[written]


def stock(quantity: float | None, available: bool | None) -> dict[str, FieldValue]:
    """Return the field of the stock: units; 0 if unavailable; null if available without a number.

    An available product whose quantity is 0 or less is sold without stock.
    """
    if available is False:
        return {"stock": 0.0}
    return {"stock": None if available and quantity is not None and quantity <= 0 else quantity}


def category_levels(
    paths: Iterable[object], separators: Iterable[str] = (">",)
) -> list[str] | None:
    """Return every level of categories as a path, parents first; None without a category.

    >>> category_levels(["Apparel > Shoes", "Sale"])
    ['Apparel', 'Apparel > Shoes', 'Sale']
    """
    levels: dict[str, None] = {}
    for path in paths:
        text = plain_text(str(path))
        for separator in separators:
            text = text.replace(separator, "\n")
        words = [word.strip() for word in text.split("\n") if word.strip()]
        levels |= {LEVEL.join(words[: n + 1]): None for n in range(len(words))}
    return [*levels] or None


def flat(value: object, name: str) -> dict[str, Any]:
    """Return a nested value as fields: `a.b` for objects, texts for what a field cannot be."""
    if isinstance(value, Mapping):
        return {
            inner: element
            for key, nested in value.items()
            for inner, element in flat(nested, f"{name}.{key}" if name else str(key)).items()
        }
    if isinstance(value, list) and any(not isinstance(one, str | int | float) for one in value):
        return {name: msgspec.json.encode(value).decode()}
    return {name: value}


def first(value: object) -> Any:
    """Return the first element of a list, or the value itself."""
    if isinstance(value, list):
        return value[0] if value else None
    return value


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _clean_text(value) or None
    if isinstance(value, list):
        return [_clean_text(one) if isinstance(one, str) else one for one in value] or None
    return value


def _clean_text(text: str) -> str:
    """Return a text without HTML; an address has characters that only look like entities."""
    address = text.strip()
    if address.startswith(("https://", "http://", "//")):
        return address.replace("&amp;", "&")
    return plain_text(text)


def _instant(value: object) -> int:
    """Return the instant of a product's change, or `UNDATED` if the value is none."""
    try:
        return parse_instant(value, "updated_at")
    except EventError:
        return UNDATED

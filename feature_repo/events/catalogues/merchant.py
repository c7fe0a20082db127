"""Products of a feed of Google Merchant Center: XML, tab-separated or CSV, or its API's objects."""

from collections.abc import Iterator
from typing import Any

from feature_repo.events.catalogues.amounts import read_price
from feature_repo.events.catalogues.catalogue import Catalogue, Row, Rows, SourceFile, has_names
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.catalogues.item_state import (
    category_levels,
    first,
    flat,
    in_stock,
    item_state,
    prices,
)
from feature_repo.events.catalogues.sales import with_current_sales
from feature_repo.events.contract import ItemEvent
from feature_repo.home import EventError

NAME = "merchant_feed"
_SPELLINGS = names(
    id="offer id | kennung | identifiant | identificador",
    title="titel | titre | título | titolo",
    description="beschreibung | descripción | descrizione",
    link="url | lien | enlace",
    image_link="bildlink | bild url | lien image | enlace imagen | link immagine",
    additional_image_link="additional image links | zusätzlicher bildlink",
    availability="verfügbarkeit | disponibilité | disponibilidad | disponibilità",
    price="preis | prix | precio | prezzo",
    sale_price="sonderangebotspreis | prix soldé | precio oferta | prezzo scontato",
    sale_price_effective_date="",
    brand="marke | marque | marca",
    gtin="",
    mpn="",
    condition="zustand | état | estado | condizione",
    item_group_id="",
    product_type="product types | produkttyp | type de produit",
    google_product_category="google produktkategorie",
    updated="updated at | last updated",
)
_OTHERS = (
    "link",
    "image_link",
    "availability",
    "google_product_category",
    "item_group_id",
    "gtin",
    "condition",
    "product_type",
    "sale_price",
    "brand",
    "mpn",
)
_CONSUMED = (
    "id",
    "title",
    "description",
    "link",
    "image_link",
    "price",
    "sale_price",
    "brand",
    "item_group_id",
    "product_type",
    "google_product_category",
    "updated",
    "availability",
)


def _recognizes(raw: Raw) -> bool:
    return "objectID" not in raw and has_names(
        raw, _SPELLINGS, ("id", "title", "price"), any_of=2, others=_OTHERS
    )


def _parse(raw: Raw) -> list[ItemEvent]:
    offer = renamed(raw, _SPELLINGS)
    title = first(offer.get("title"))
    if not title:
        raise EventError("title", "a text", title)
    available = in_stock(first(offer.get("availability")), "availability")
    fields: dict[str, Any] = {
        "title": title,
        "description": first(offer.get("description")),
        "category": _category(offer),
        "brand": first(offer.get("brand")),
        "image": first(offer.get("image_link")),
        "url": first(offer.get("link")),
        "group": first(offer.get("item_group_id")) or first(offer.get("id")),
        "stock": available,
        **_prices(offer),
    }
    if available is not None:
        fields["availability"] = first(offer["availability"])
    for name, value in offer.items():
        if name not in _CONSUMED:
            fields |= flat(value, name.removeprefix("g:"))
    item_id, updated = first(offer.get("id")), offer.get("updated")
    return [item_state(NAME, item_id, fields, id_field="id", updated_at=updated)]


def _prices(offer: Raw) -> dict[str, Any]:
    regular = read_price(first(offer.get("price")), "price")
    sale = read_price(first(offer.get("sale_price")), "sale_price")
    return prices(sale or regular, regular if sale else None)


def _category(offer: Raw) -> list[str] | None:
    """Return the levels of the shop's own type, else those of Google's category.

    A category that is a number of Google's taxonomy has no words.
    """
    own = _listed(offer.get("product_type"))
    google = [one for one in _listed(offer.get("google_product_category")) if not one.isdigit()]
    return category_levels(own or google)


def _listed(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(one) for one in listed if one not in (None, "")]


def _prepare(rows: Rows, file: SourceFile) -> Iterator[Row]:
    return with_current_sales(rows, file, price="sale_price", start="sale_price_effective_date")


MERCHANT_FEED = Catalogue(
    name=NAME,
    description="Offers of a Google Merchant feed: XML (RSS or Atom), tab-separated, CSV or JSON.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
    amounts=("price", "sale_price"),
    prepare=_prepare,
)

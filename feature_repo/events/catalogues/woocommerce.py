"""Products of WooCommerce's CSV export, with headers in the language of the shop.

A variation and its variable product are two items of one group: the SKU of the product, or its id.
"""

import re
from collections.abc import Iterator
from typing import Any

from feature_repo.events.catalogues.amounts import read_price, read_quantity
from feature_repo.events.catalogues.catalogue import Catalogue, Row, Rows, SourceFile, has_names
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.catalogues.item_state import (
    category_levels,
    in_stock,
    item_state,
    prices,
    stock,
)
from feature_repo.events.catalogues.sales import with_current_sales
from feature_repo.events.contract import ItemEvent
from feature_repo.home import EventError

NAME = "woocommerce_products"
_SPELLINGS = names(
    id="",
    type="typ | tipo",
    sku="artikelnummer | ugs | código de artículo | art nr | symbol",
    name="nom | nombre | nome | naam | nazwa",
    published="veröffentlicht | publié | publicado | pubblicato | gepubliceerd | opublikowano",
    visibility="visibility in catalog | sichtbarkeit im katalog | visibilité dans le catalogue | "
    "visibilidad en el catálogo | visibilità nel catalogo | zichtbaarheid in catalogus",
    short_description="kurzbeschreibung | description courte | descripción corta | "
    "breve descrizione | korte beschrijving",
    description="beschreibung | descripción | descrizione | beschrijving | opis",
    sale_starts="date sale price starts | datum an dem angebotspreis beginnt | "
    "date de début de promo | día en que empieza el precio rebajado",
    sale_ends="date sale price ends | datum an dem angebotspreis endet | date de fin de promo | "
    "día en que termina el precio rebajado",
    in_stock="vorrätig | en stock | hay existencias | existencias | in magazzino | op voorraad",
    stock="bestand | lager | lagerbestand | inventario | magazzino | voorraad | quantity",
    backorders="backorders allowed | lieferrückstand erlaubt | autoriser les commandes de produits "
    "en rupture | permitir reservas de productos agotados",
    sale_price="angebotspreis | tarif promo | precio rebajado | prezzo in offerta | actieprijs",
    regular_price="regulärer preis | normaler preis | preis | tarif régulier | precio normal | "
    "prezzo di listino | reguliere prijs",
    categories="kategorien | catégories | categorías | categorie | categorieën | kategorie",
    tags="schlagwörter | étiquettes | etiquetas | tag | tags",
    images="bilder | imágenes | immagini | afbeeldingen | obrazki",
    parent="übergeordnetes produkt | übergeordnet | superior | genitore | hoofd",
    brands="brand | marken | marke | marque | marques | marca | marcas | merk",
    modified="date modified | modified",
)
_ATTRIBUTE = re.compile(r"(?:attribute|attribut|attributo|atributo|attribuut)\s*(\d+)\s*(.*)", re.I)
_ATTRIBUTE_FIRST = re.compile(
    r"(nom|valeur\(s\)|nombre|valor\(es\)|nome|valore)\s.*?(?:attribut|atributo|attributo)\D*(\d+)",
    re.I,
)
_VALUE_WORDS = ("value", "wert", "valeur", "valor", "valore", "waarde")
_NAME_WORDS = ("name", "nom", "nombre", "nome", "naam")
_CONSUMED = {
    *("id", "type", "sku", "name", "published", "short_description", "description", "in_stock"),
    *("stock", "backorders", "sale_price", "regular_price", "categories", "tags", "images"),
    *("parent", "brands", "modified", "sale_starts", "sale_ends", "_group", "visibility"),
}


def _recognizes(raw: Raw) -> bool:
    others = ("in_stock", "stock", "sale_price", "categories", "visibility", "published", "parent")
    return "objectID" not in raw and has_names(
        raw, _SPELLINGS, ("name", "regular_price"), any_of=3, others=others
    )


def _prepare(rows: Rows, file: SourceFile) -> Iterator[Row]:
    """Yield the rows with current sales, and variations with the group of their product."""
    sku_by_id = {
        str(row.raw["id"]): str(row.raw["sku"])
        for row in rows()
        if row.raw.get("id") and row.raw.get("sku")
    }
    current = with_current_sales(
        rows, file, price="sale_price", start="sale_starts", end="sale_ends"
    )
    for number, raw, warning in current:
        parent = str(raw.get("parent") or "").strip()
        of_id = parent.removeprefix("id:")
        group = sku_by_id.get(of_id, of_id) if parent.startswith("id:") else parent
        yield Row(number, {**raw, "_group": group}, warning)


def _parse(raw: Raw) -> list[ItemEvent]:
    product = renamed(raw, _SPELLINGS)
    item_id = product.get("sku") or product.get("id")
    if not product.get("name"):
        raise EventError("Name", "a text", product.get("name"))
    images = [one.strip() for one in str(product.get("images") or "").split(",") if one.strip()]
    sale = read_price(product.get("sale_price"), "Sale price")
    regular = read_price(product.get("regular_price"), "Regular price")
    short = product.get("short_description")
    fields: dict[str, Any] = {
        "title": product["name"],
        "description": _lines(product.get("description") or short),
        "short_description": _lines(short) if product.get("description") else None,
        "category": category_levels(_split(product.get("categories"))),
        "brand": next(iter(_split(product.get("brands"))), None),
        "image": images[0] if images else None,
        "group": product.get("_group") or product.get("parent") or item_id,
        "tags": _split(product.get("tags")) or None,
        **prices(sale or regular, regular if sale else None),
        **_stock(product),
        **_attributes(product),
    }
    if len(images) > 1:
        fields["images"] = images
    for name, value in product.items():
        is_attribute = _ATTRIBUTE.match(name) or _ATTRIBUTE_FIRST.match(name)
        if name not in _CONSUMED and not is_attribute:
            fields[name] = value
    return [
        item_state(
            NAME,
            None if item_id is None else str(item_id),
            fields,
            id_field="SKU",
            updated_at=product.get("modified"),
            is_visible=_is_visible(product),
        )
    ]


def _lines(text: object) -> str | None:
    """Return a text whose line breaks the export writes as a backslash and an n."""
    return None if text in (None, "") else str(text).replace("\\n", "\n")


def _split(text: object) -> list[str]:
    """Return the parts of a list; a comma with a backslash before it is no separator."""
    parts = re.split(r"(?<!\\),", str(text or ""))
    return [part.replace("\\,", ",").strip() for part in parts if part.strip()]


def _stock(product: Raw) -> dict[str, Any]:
    written = str(product.get("in_stock") if product.get("in_stock") is not None else "").strip()
    available = None if written.casefold() == "backorder" else in_stock(written, "In stock?")
    quantity = read_quantity(_number(product.get("stock")), "Stock")
    is_variable = str(product.get("type") or "").startswith("variable")
    if is_variable and quantity == 0 and available is not False:
        return stock(None, True)
    return stock(quantity, available if available is not None else None)


def _number(value: object) -> object:
    """Return a quantity; `parent` says that the product counts for its variations."""
    return None if str(value or "").strip().casefold() == "parent" else value


def _attributes(product: Raw) -> dict[str, Any]:
    """Return attributes by name; those of a variation have one value, those of a product all."""
    named: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for column, value in product.items():
        number, what = _attribute(column)
        if not number or value in (None, ""):
            continue
        if what.startswith(_VALUE_WORDS):
            values[number] = _split(value)
        elif what.startswith(_NAME_WORDS):
            named[number] = str(value).strip()
    return {
        name.lower(): values[number][0] if len(values[number]) == 1 else values[number]
        for number, name in named.items()
        if values.get(number)
    }


def _attribute(column: str) -> tuple[str, str]:
    """Return the number of an attribute's column, and what it has; empty for other columns."""
    match = _ATTRIBUTE.match(column)
    if match:
        return match[1], match[2].casefold()
    match = _ATTRIBUTE_FIRST.match(column)
    return (match[2], match[1].casefold()) if match else ("", "")


def _is_visible(product: Raw) -> bool:
    published = str(product.get("published") if product.get("published") is not None else "1")
    hidden = str(product.get("visibility") or "").casefold() == "hidden"
    return published.strip().casefold() in ("1", "1.0", "true", "yes", "") and not hidden


WOOCOMMERCE_PRODUCTS = Catalogue(
    name=NAME,
    description="Products of WooCommerce's CSV export, with headers in several languages.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
    amounts=("sale_price", "regular_price", "stock"),
    prepare=_prepare,
)

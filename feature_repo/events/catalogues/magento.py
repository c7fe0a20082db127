"""Products of Magento (Adobe Commerce): the CSV export, and the older tables of sample data.

A configurable product names its variants; it and they are items of one group, its SKU.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
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

NAME = "magento_products"
_SPELLINGS = names(
    sku="",
    name="",
    price="",
    special_price="",
    qty="",
    is_in_stock="",
    special_from="special price from date | special from date",
    special_to="special price to date | special to date",
    category="",
    categories="",
    product_type="type id | type",
    attribute_set="attribute set code",
    description="",
    short_description="",
    base_image="image",
    additional_images="",
    additional_attributes="",
    configurable_variations="",
    updated_at="",
    created_at="",
    product_online="status",
    visibility="",
    url_key="",
    manufacturer="brand",
    store_view_code="store",
    color="",
    size="",
)
_ROOT = re.compile(r"^(default category|root catalog/default category)/?", re.I)
_PAIR = re.compile(r",(?=[a-z][a-z0-9_]*=)")
_MULTIPLE = "|"
_TIMES = ("%m/%d/%y, %I:%M %p", "%m/%d/%y %H:%M", "%m/%d/%Y, %I:%M %p", "%d.%m.%y, %H:%M")
_CONSUMED = {
    *("sku", "name", "price", "special_price", "qty", "is_in_stock", "special_from", "special_to"),
    *("category", "categories", "description", "short_description", "base_image"),
    *("additional_images", "additional_attributes", "configurable_variations", "updated_at"),
    *("created_at", "product_online", "visibility", "manufacturer", "_group"),
}
_HIDDEN_IN_EXPORTS = (
    "small_image",
    "thumbnail_image",
    "swatch_image",
    "configurable_variation_labels",
    "related_skus",
    "related_position",
    "crosssell_skus",
    "crosssell_position",
    "upsell_skus",
    "upsell_position",
    "custom_options",
    "bundle_values",
    "associated_skus",
)
"""Columns about other products, or copies of the image."""


def _recognizes(raw: Raw) -> bool:
    others = (
        "qty",
        "special_price",
        "attribute_set",
        "product_type",
        "additional_attributes",
        "categories",
        "category",
        "is_in_stock",
        "url_key",
        "product_online",
        "visibility",
    )
    return not {"objectID", "order_id"} & raw.keys() and has_names(
        raw, _SPELLINGS, ("sku", "name"), any_of=2, others=others
    )


def _prepare(rows: Rows, file: SourceFile) -> Iterator[Row]:
    """Yield the rows with current sales, and variants with the group of their product."""
    group_by_sku = {
        variant: str(row.raw["sku"])
        for row in rows()
        for variant in _variants(row.raw.get("configurable_variations"))
    }
    current = with_current_sales(
        rows, file, price="special_price", start="special_from", end="special_to"
    )
    for sku, rows_of_sku in groupby(current, key=lambda row: str(row.raw.get("sku") or "")):
        first, *further = rows_of_sku
        views = [row for row in further if sku and row.raw.get("store_view_code")]
        texts = {"_group": group_by_sku.get(sku, sku)} | _texts_of_views(views)
        yield Row(first.number, {**first.raw, **texts}, first.warning)
        yield from (row for row in further if row not in views)


def _texts_of_views(views: Sequence[Row]) -> dict[str, Any]:
    """Return the texts of a product in its store views, as `title_de` and `description_de`."""
    names_in_views = {"name": "title", "description": "description"}
    return {
        f"{field}_{row.raw['store_view_code']}": row.raw[name]
        for row in views
        for name, field in names_in_views.items()
        if row.raw.get(name)
    }


def _parse(raw: Raw) -> list[ItemEvent]:
    product = renamed(raw, _SPELLINGS)
    sku, title = product.get("sku"), product.get("name")
    if not title:
        raise EventError("name", "a text", title)
    special = read_price(product.get("special_price"), "special_price")
    regular = read_price(product.get("price"), "price")
    attributes = _pairs(product.get("additional_attributes"))
    image = product.get("base_image")
    has_image = image and image != "no_selection"
    fields: dict[str, Any] = {
        "title": title,
        "description": product.get("description") or product.get("short_description"),
        "category": _categories(product),
        "brand": product.get("manufacturer") or attributes.pop("manufacturer", None),
        "image": image if has_image else None,
        "group": product.get("_group") or sku,
        **prices(special or regular, regular if special else None),
        **_stock(product),
        **attributes,
    }
    for name, value in product.items():
        is_dropped = name in _CONSUMED or name in _HIDDEN_IN_EXPORTS
        if not is_dropped:
            fields[name] = _values(value)
    return [
        item_state(
            NAME,
            None if sku is None else str(sku),
            fields,
            id_field="sku",
            updated_at=_time(product.get("updated_at")),
            is_visible=str(product.get("product_online") or "1") not in ("0", "2", "Disabled"),
        )
    ]


def _variants(text: object) -> Iterator[str]:
    """Yield the SKUs of a configurable product's variants, `sku=A,size=S|sku=B,size=M`."""
    for variant in str(text or "").split("|"):
        match = re.search(r"(?:^|,)sku=([^,|]+)", variant)
        if match:
            yield match[1].strip()


def _pairs(text: object) -> dict[str, Any]:
    """Return the attributes of `a=1,b=x|y`; a comma within a value is none before a name."""
    pairs = (pair.partition("=") for pair in _PAIR.split(str(text or "").strip()) if "=" in pair)
    read = {name.strip(): value.strip().strip('"') for name, _, value in pairs if value.strip()}
    return {n: v.split(_MULTIPLE) if _MULTIPLE in v else v for n, v in read.items()}


def _values(value: object) -> object:
    """Return the lines of a cell of several; sample data writes several values so."""
    if not isinstance(value, str) or "\n" not in value.strip() or "<" in value:
        return value
    return [line.strip() for line in value.splitlines() if line.strip()]


def _categories(product: Raw) -> list[str] | None:
    if product.get("categories"):
        paths = re.split(r",(?!\s)", str(product["categories"]))
        return category_levels([_ROOT.sub("", path.strip()) for path in paths], ("/",))
    return category_levels(str(product.get("category") or "").splitlines(), ("/",))


def _stock(product: Raw) -> dict[str, Any]:
    flag = str(product.get("is_in_stock") if product.get("is_in_stock") is not None else "")
    available = in_stock(flag.removesuffix(".0000"), "is_in_stock")
    quantity = read_quantity(product.get("qty"), "qty")
    is_composed = product.get("product_type") in ("configurable", "bundle", "grouped")
    return stock(None if is_composed else quantity, available)


def _time(value: object) -> object:
    """Return a time; Magento writes it in the format of the administrator's language."""
    for form in _TIMES:
        try:
            moment = datetime.strptime(str(value).replace("\u202f", " "), form)
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC).isoformat()
    return value


MAGENTO_PRODUCTS = Catalogue(
    name=NAME,
    description="Products of Magento's CSV export, or a table of its sample data.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
    amounts=("price", "special_price", "qty"),
    prepare=_prepare,
)

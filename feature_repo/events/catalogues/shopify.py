"""Products of Shopify: the CSV export, the objects of its API, and synchronized tables.

A product of the CSV export has a row for each variant and each further image; only its first row
has what all variants share.  Each variant is an item, and the handle its group.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from feature_repo.events.catalogues.amounts import read_price, read_quantity
from feature_repo.events.catalogues.catalogue import Catalogue, Row, Rows, SourceFile, has_names
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.catalogues.item_state import (
    category_levels,
    first,
    flat,
    item_state,
    prices,
    stock,
)
from feature_repo.events.contract import ItemEvent
from feature_repo.home import EventError

NAME = "shopify_products"
_SPELLINGS = names(
    handle="",
    title="",
    body="body html | description",
    vendor="",
    type="product type",
    product_category="category | standard product type",
    tags="",
    published="",
    status="",
    sku="variant sku",
    price="variant price",
    compare_at_price="variant compare at price",
    quantity="variant inventory qty | inventory quantity | variant inventory quantity",
    policy="variant inventory policy | inventory policy",
    tracker="variant inventory tracker | inventory management",
    barcode="variant barcode",
    weight="variant grams | grams",
    image="image src | image",
    position="image position",
    variant_image="",
    cost="cost per item",
    updated_at="",
    **{f"option{n}_name": "" for n in (1, 2, 3)},
    **{f"option{n}_value": f"option{n} | option {n}" for n in (1, 2, 3)},
    variants="",
    options="",
    images="",
    id="",
    product_id="",
    _fivetran_synced="",
)
_OF_VARIANT = (
    "sku",
    "price",
    "compare_at_price",
    "quantity",
    "barcode",
    "weight",
    "cost",
    "policy",
    "tracker",
    "variant_image",
    "option1_value",
    "option2_value",
    "option3_value",
)
_OPTIONS = (1, 2, 3)
_DEFAULT = "default title"
_CONSUMED = {
    *("handle", "title", "body", "vendor", "type", "product_category", "tags", "published"),
    *("status", "sku", "price", "compare_at_price", "quantity", "policy", "tracker", "image"),
    *("position", "variant_image", "updated_at", "images", "id", "product_id", "options"),
    *(f"option{n}_{what}" for n in _OPTIONS for what in ("name", "value")),
    *("image alt text", "Image Alt Text", "_fivetran_synced", "_fivetran_deleted", "variants"),
    *("admin_graphql_api_id", "created_at", "published_at", "published_scope", "image_id"),
    *("old_inventory_quantity", "inventory_item_id", "template_suffix", "variant_title"),
}


def _recognizes(raw: Raw) -> bool:
    of_csv = ("body", "vendor", "type", "option1_name", "sku", "price", "published", "image")
    if has_names(raw, _SPELLINGS, ("handle", "title"), any_of=2, others=of_csv):
        return True
    return has_names(
        raw,
        _SPELLINGS,
        ("product_id", "id", "price", "sku"),
        any_of=2,
        others=("policy", "compare_at_price", "option1_value", "tracker"),
    ) and not {"order_id", "quantity"} <= set(raw)


def _prepare(rows: Rows, _: SourceFile) -> Iterator[Row]:
    """Yield the variants of products: with what the first row of each says, and all images."""
    for handle, grouped in groupby(rows(), key=lambda row: row[1].get("handle")):
        product = list(grouped)
        if not handle or "option1_name" not in product[0][1]:
            yield from product
            continue
        images = [str(row["image"]) for _, row, _ in product if row.get("image")]
        shared = {k: v for k, v in product[0][1].items() if k not in _OF_VARIANT}
        several = {"images": images} if len(images) > 1 else {}
        of_variants = [row for row in product if _is_variant(row[1])] or product[:1]
        for number, row, _warning in of_variants:
            own = {k: v for k, v in row.items() if v not in (None, "") and k != "image"}
            variants = {"_siblings": len(of_variants)}
            yield Row(number, {**row, **shared, **own, "handle": handle, **several, **variants})


def _is_variant(row: Raw) -> bool:
    return any(row.get(name) for name in ("sku", "price", "option1_value"))


def _parse(raw: Raw) -> list[ItemEvent]:
    product = renamed(raw, _SPELLINGS)
    variants = product.get("variants")
    if not isinstance(variants, list):
        return [_state(product)]
    return [_state(_with_variant(product, one, len(variants))) for one in variants]


def _with_variant(product: dict[str, Any], variant: object, count: int) -> dict[str, Any]:
    """Return a variant of the API with what its product says."""
    if not isinstance(variant, dict):
        raise EventError("variants", "objects", variant)
    own = renamed(variant, _SPELLINGS)
    options = [one for one in product.get("options") or [] if isinstance(one, dict)]
    option_names = {f"option{n}_name": one.get("name") for n, one in enumerate(options, 1)}
    images = [one.get("src") for one in product.get("images") or [] if isinstance(one, dict)]
    image = product.get("image")
    shown = image.get("src") if isinstance(image, dict) else first(images)
    own = {k: v for k, v in own.items() if k not in ("title", "image", "variants")}
    shared = {"_siblings": count, "product_id": product.get("id"), "image": shown}
    return {**product, **option_names, **own, **shared, "images": images}


def _state(product: dict[str, Any]) -> ItemEvent:
    title = product.get("title")
    if not title:
        raise EventError("Title", "a text in the first row of the product", title)
    options = _options(product)
    group = product.get("product_id") or product.get("id") or product.get("handle")
    item_id = product.get("sku") or _unnamed(product, [*options.values()])
    quantity = read_quantity(product.get("quantity"), "Variant Inventory Qty")
    fields: dict[str, Any] = {
        "title": title,
        "description": product.get("body"),
        "category": category_levels(filter(None, (_category(product), product.get("type")))),
        "brand": product.get("vendor"),
        "image": product.get("variant_image") or first(product.get("image")),
        "group": None if group is None else str(group),
        "tags": _tags(product.get("tags")),
        **prices(
            read_price(product.get("price"), "Variant Price"),
            read_price(product.get("compare_at_price"), "Variant Compare At Price"),
        ),
        **_stock(product, quantity),
        **options,
    }
    if isinstance(product.get("images"), list):
        fields["images"] = product["images"]
    for name, value in product.items():
        if name not in _CONSUMED and not name.startswith("_"):
            fields |= flat(value, name)
    return item_state(
        NAME,
        str(item_id) if item_id else None,
        fields,
        id_field="Variant SKU",
        updated_at=product.get("updated_at"),
        is_visible=_is_visible(product),
    )


def _unnamed(product: Raw, options: list[Any]) -> object:
    """Return the id of a variant without a SKU: its own, or its handle and options."""
    if product.get("id"):
        return product["id"]
    named = [product.get("handle"), *(options if product.get("_siblings", 1) > 1 else ())]
    return "/".join(str(one) for one in named if one)


def _options(product: Raw) -> dict[str, Any]:
    """Return the options of a variant, such as its size, by their names."""
    options = {}
    for n in _OPTIONS:
        value = product.get(f"option{n}_value")
        if value and str(value).casefold() != _DEFAULT:
            options[str(product.get(f"option{n}_name") or f"option{n}").lower()] = value
    return options


def _category(product: Raw) -> object:
    category = product.get("product_category")
    return category.get("name") if isinstance(category, dict) else category


def _tags(value: object) -> list[str] | None:
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return [str(one).strip() for one in listed if str(one).strip()] or None


def _stock(product: Raw, quantity: float | None) -> dict[str, Any]:
    """Return the stock; a variant whose stock nobody counts, or that needs none, is available."""
    available = product.get("available")
    if isinstance(available, bool):
        return stock(quantity, available)
    is_untracked = "tracker" in product and not product["tracker"]
    sells_without = str(product.get("policy") or "").casefold() == "continue"
    if is_untracked:
        return stock(None, True)
    return stock(quantity, True if sells_without else None)


def _is_visible(product: Raw) -> bool:
    status = str(product.get("status") or "active").casefold()
    published = str(product.get("published", "true") or "true").casefold()
    is_deleted = str(product.get("_fivetran_deleted") or "").casefold() == "true"
    return status == "active" and published not in ("false", "no", "0") and not is_deleted


SHOPIFY_PRODUCTS = Catalogue(
    name=NAME,
    description="Products of Shopify: the CSV export, objects of its API, or synchronized tables.",
    recognizes=_recognizes,
    parse=_parse,
    spellings=_SPELLINGS,
    amounts=("price", "compare_at_price", "quantity"),
    prepare=_prepare,
)

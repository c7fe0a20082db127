"""Records of an Algolia index, as its export writes them."""

from collections.abc import Iterable
from typing import Any

from feature_repo.events.catalogues.amounts import read_price
from feature_repo.events.catalogues.catalogue import Catalogue
from feature_repo.events.catalogues.column_names import Raw, names, renamed
from feature_repo.events.catalogues.item_state import (
    category_levels,
    first,
    flat,
    item_state,
    prices,
)
from feature_repo.events.contract import ItemEvent

NAME = "algolia_records"
_SPELLINGS = names(
    objectID="",
    title="name | product name",
    description="body",
    category="categories | product type",
    brand="manufacturer | vendor",
    price="",
    list_price="compare at price | original price | regular price | msrp",
    currency="currency code",
    stock="inventory quantity | inventory | stock quantity | quantity | in stock",
    image="image url | images | thumbnail | picture",
    url="link | permalink",
    group="group id | parent id | product id | item group id",
    updated_at="updated | last modified | date modified | modified at",
    hierarchicalCategories="hierarchical categories",
)
_DERIVED = (
    "_highlightResult",
    "_snippetResult",
    "_rankingInfo",
    "_distinctSeqID",
    "objectID",
    "updated_at",
)
"""What the engine adds to a record when it answers, and keys that the event itself has."""


def _parse(raw: Raw) -> list[ItemEvent]:
    record = renamed(raw, _SPELLINGS)
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if name not in _DERIVED and name not in ("price", "list_price", "category"):
            fields |= flat(first(value) if name in ("brand", "image", "group") else value, name)
    fields |= _prices(record, fields)
    fields["category"] = category_levels(_categories(record))
    item_id = record["objectID"]
    return [
        item_state(NAME, item_id, fields, id_field="objectID", updated_at=record.get("updated_at"))
    ]


def _prices(record: Raw, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the prices; of an object that is no amount, the fields that it contains."""
    price = record.get("price")
    if isinstance(price, dict) and not {"value", "amount"} & price.keys():
        return flat(price, "price")
    former = read_price(record.get("list_price"), "list_price")
    return prices(read_price(price, "price"), former, fields.get("currency"))


def _categories(record: Raw) -> list[str]:
    """Return the paths of categories: a hierarchy's longest ones, else the list of categories."""
    return _texts(record.get("hierarchicalCategories")) or _texts(record.get("category"))


def _texts(value: Any) -> list[str]:
    """Return the texts of a value: of a list, or of the levels of an object."""
    nested = value.values() if isinstance(value, dict) else value
    if isinstance(nested, str):
        return [nested]
    return [text for one in nested for text in _texts(one)] if isinstance(nested, Iterable) else []


ALGOLIA_RECORDS = Catalogue(
    name=NAME,
    description="Records of an Algolia index, each with its objectID and any attributes.",
    recognizes=lambda raw: "objectID" in raw and "kind" not in raw,
    parse=_parse,
    spellings=_SPELLINGS,
)

"""The fields of items and users, from the shop's declaration."""

from feast import FeatureView, Field
from feast.types import Array, Bool, FeastType, Float64, Int64, String

from feature_repo.catalogue.entities import item, user
from feature_repo.catalogue.views import view
from feature_repo.home import Home
from feature_repo.shop import FieldType, Shop, ShopField

_TYPES: dict[FieldType, FeastType] = {
    "number": Float64,
    "text": String,
    "category": String,
    "list": Array(String),
    "vector": Array(Float64),
    "time": Int64,
    "bool": Bool,
}
_MEANINGS: dict[FieldType, str] = {
    "number": "a number",
    "text": "a text",
    "category": "one of many texts",
    "list": "a list of texts",
    "vector": "a list of numbers",
    "time": "microseconds since 1970 UTC",
    "bool": "true or false",
}
_UNITS: dict[FieldType, str] = {"time": "microseconds since 1970 UTC", "bool": "true or false"}
_IS_DELETED = Field(
    name="is_deleted",
    dtype=Bool,
    description="Whether the shop took the item back; such an item is never ranked.",
    tags={"unit": _UNITS["bool"]},
)


def item_attributes(home: Home, shop: Shop) -> FeatureView:
    """One row per item and instant at which something about it changed."""
    return view(
        home,
        "item_attributes",
        item,
        [*(_field(field) for field in shop.item_fields), _IS_DELETED],
        description="What the shop says about an item.",
        freshness="live",
    )


def user_attributes(home: Home, shop: Shop) -> FeatureView | None:
    """One row per user and instant at which something about them changed; None without a field."""
    if not shop.user_fields:
        return None
    return view(
        home,
        "user_attributes",
        user,
        [_field(field) for field in shop.user_fields],
        description="What the shop says about a user.",
        freshness="live",
    )


def _field(field: ShopField) -> Field:
    meaning = field.description or f"The shop's field {field.name!r}"
    tags = {"role": field.role} if field.role else {}
    unit = _UNITS.get(field.type, "as the shop gives it")
    return Field(
        name=field.column,
        dtype=_TYPES[field.type],
        description=f"{meaning.rstrip('.')}; {_MEANINGS[field.type]}.",
        tags={"type": field.type, "unit": unit, **tags},
    )

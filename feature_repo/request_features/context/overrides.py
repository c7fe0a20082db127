"""Item fields in a request, which replace the stored ones."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from feature_repo.events.contract import FieldValue
from feature_repo.request_features.context.request_context import RequestContext
from feature_repo.shop import Shop, ShopField, typed_value


def with_overrides(
    context: RequestContext, overrides: Mapping[str, Mapping[str, FieldValue]], shop: Shop
) -> RequestContext:
    """Return the context with some item attributes replaced.

    Args:
        context: of N candidates.
        overrides: item id → fields by their names in events; null removes the value, and
            undeclared fields are ignored.
        shop: declares the fields.
    """
    named = {name for fields in overrides.values() for name in fields}
    columns = {
        f"item_attributes__{field.column}": _overridden(context, overrides, field)
        for field in shop.item_fields
        if field.name in named
    }
    return dataclasses.replace(context, items={**context.items, **columns}) if columns else context


def _overridden(
    context: RequestContext, overrides: Mapping[str, Mapping[str, FieldValue]], field: ShopField
) -> list[Any]:
    nothing = [None] * len(context.item_ids)
    stored = context.items.get(f"item_attributes__{field.column}", nothing)
    return [
        typed_value(overrides[item_id][field.name], field.type)
        if field.name in overrides.get(item_id, {})
        else value
        for item_id, value in zip(context.item_ids, stored, strict=True)
    ]

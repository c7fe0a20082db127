"""The fields of items and users, from the shop's declaration."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.events.contract import AnyEvent, ItemEvent, UserEvent
from feature_repo.shop import FieldType, Shop, ShopField, typed_value
from feature_repo.views.spec import FieldKind, FieldSpec, LiveValues, NewestRow, ViewSpec
from feature_repo.views.sql_lines import lines, quoted_name, quoted_text

_KINDS: dict[FieldType, FieldKind] = {
    "number": "number",
    "text": "text",
    "category": "text",
    "list": "texts",
    "vector": "numbers",
    "time": "integer",
    "bool": "bool",
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
_IS_DELETED = FieldSpec(
    "is_deleted",
    "bool",
    "Whether the shop deleted the item; a deleted item is never ranked.",
    _UNITS["bool"],
)


def _fields(fields: Sequence[ShopField]) -> list[FieldSpec]:
    return [_field(field) for field in fields]


def _field(field: ShopField) -> FieldSpec:
    meaning = field.description or f"The shop's field {field.name!r}"
    role = {"role": field.role} if field.role else {}
    return FieldSpec(
        field.column,
        _KINDS[field.type],
        f"{meaning.rstrip('.')}; {_MEANINGS[field.type]}.",
        _UNITS.get(field.type, "as the shop gives it"),
        {"type": field.type, **role},
    )


def _write_item(event: AnyEvent, shop: Shop) -> tuple[str, Mapping[str, Any]] | None:
    """A delete hides the item, an upsert shows it."""
    if not isinstance(event, ItemEvent):
        return None
    if event.op == "delete":
        return event.item_id, {"is_deleted": True}
    return event.item_id, {"is_deleted": False} | _values(event.fields, shop.item_fields)


def _write_user(event: AnyEvent, shop: Shop) -> tuple[str, Mapping[str, Any]] | None:
    if not isinstance(event, UserEvent) or event.op != "upsert":
        return None
    values = _values(event.fields, shop.user_fields)
    return (event.user_id, values) if values else None


def _values(reported: Mapping[str, Any], fields: Sequence[ShopField]) -> dict[str, Any]:
    """By column, the values of the declared fields that an event reports."""
    return {
        field.column: typed_value(reported[field.name], field.type)
        for field in fields
        if field.name in reported
    }


def _parameters(fields: Sequence[ShopField]) -> dict[str, str]:
    """`value_<column>` is a struct: null where an event does not mention the field."""
    return {
        "mentioned": lines(fields, _mentioned),
        "previous": lines(fields, lambda f: f"{{'value': {quoted_name(f)}}} as {_value(f)},"),
        "merged": lines(
            fields, lambda f: f"last_value({_value(f)} ignore nulls) over so_far as {_value(f)},"
        ),
        "typed": lines(fields, lambda f: f"{_value(f)}.value as {quoted_name(f)},"),
    }


def _mentioned(field: ShopField) -> str:
    pointer = "/" + field.name.replace("~", "~0").replace("/", "~1")
    value = f"json_extract(fields, {quoted_text(pointer)})"
    reader = "text" if field.type == "category" else field.type
    return (
        f"case when {value} is not null then "
        f"{{'value': as_{reader}({value})}} end as {_value(field)},"
    )


def _user_parameters(shop: Shop) -> dict[str, str]:
    is_mentioned = " or ".join(f"{_value(field)} is not null" for field in shop.user_fields)
    return _parameters(shop.user_fields) | {"is_mentioned": is_mentioned}


def _value(field: ShopField) -> str:
    return f'"value_{field.column}"'


ITEM_ATTRIBUTES = ViewSpec(
    name="item_attributes",
    entity="item",
    description="The shop's fields of an item.",
    fields=lambda shop: [*_fields(shop.item_fields), _IS_DELETED],
    parameters=lambda shop: _parameters(shop.item_fields),
    incremental=NewestRow(),
    append_numbers=False,
    live=LiveValues(_write_item, key="item"),
)

USER_ATTRIBUTES = ViewSpec(
    name="user_attributes",
    entity="user",
    description="The shop's fields of a user.",
    fields=lambda shop: _fields(shop.user_fields),
    parameters=_user_parameters,
    incremental=NewestRow(),
    append_numbers=False,
    live=LiveValues(_write_user, key="user"),
    is_declared=lambda shop: bool(shop.user_fields),
)

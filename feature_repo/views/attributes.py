"""The fields of items and users, from the shop's declaration."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.events.contract import AnyEvent, ItemEvent, UserEvent
from feature_repo.shop import FieldType, Shop, ShopField, typed_value
from feature_repo.views.spec import (
    EVENT_TIMES,
    FieldKind,
    FieldSpec,
    LiveValues,
    NewestRow,
    ViewSpec,
)
from feature_repo.views.sql_lines import lines, quoted_text

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
    """A delete hides the item, an upsert shows it; the newest of both counts."""
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


def _parameters(fields: Sequence[ShopField], *others: str) -> dict[str, str]:
    """Return the lines of the shop's fields and of other attributes.

    `value_<column>` is a struct of value and event time: null where an event does not mention the
    attribute.  `newest_<column>` is the newest of these event times so far.
    """
    columns = [*(field.column for field in fields), *others]
    event_times = ", ".join(f"coalesce({_value(c)}.event_time, 0)" for c in columns)
    return {
        "pointers": f"[{', '.join(map(field_pointer, fields))}]::varchar[]",
        "mentioned": lines(enumerate(fields, start=1), lambda f: _mentioned(*f)),
        "previous": lines(enumerate(columns, start=1), lambda c: _previous(*c)),
        "newest": lines(
            columns, lambda c: f"max({_value(c)}.event_time) over so_far as {_newest(c)},"
        ),
        "merged": lines(columns, _merged),
        "typed": lines(columns, lambda c: f'{_value(c)}.value as "{c}",'),
        "event_times": f"[{event_times}] as {EVENT_TIMES},",
    }


def field_pointer(field: ShopField) -> str:
    """Return the SQL literal of a field's JSON pointer in an event's fields."""
    return quoted_text("/" + field.name.replace("~", "~0").replace("/", "~1"))


def _mentioned(position: int, field: ShopField) -> str:
    """One expression reads all fields: each that parses `fields` needs memory for all its texts."""
    value = f"reported[{position}]"
    reader = "text" if field.type == "category" else field.type
    return (
        f"case when {value} is not null then "
        f"{{'value': as_{reader}({value}), 'event_time': event_time}} end "
        f"as {_value(field.column)},"
    )


def _previous(position: int, column: str) -> str:
    """The value of a stored row, whose event times are in the order of its attributes."""
    event_time = f"{EVENT_TIMES}[{position}]"
    return f"{{'value': \"{column}\", 'event_time': {event_time}}} as {_value(column)},"


def _merged(column: str) -> str:
    is_newest = f"{_value(column)}.event_time = {_newest(column)}"
    value = f"case when {is_newest} then {_value(column)} end"
    return f"last_value({value} ignore nulls) over so_far as {_value(column)},"


def _user_parameters(shop: Shop) -> dict[str, str]:
    is_mentioned = " or ".join(f"{_value(f.column)} is not null" for f in shop.user_fields)
    return _parameters(shop.user_fields) | {"is_mentioned": is_mentioned}


def _value(column: str) -> str:
    return f'"value_{column}"'


def _newest(column: str) -> str:
    return f'"newest_{column}"'


ITEM_ATTRIBUTES = ViewSpec(
    name="item_attributes",
    entity="item",
    description="The shop's fields of an item.",
    fields=lambda shop: [*_fields(shop.item_fields), _IS_DELETED],
    parameters=lambda shop: _parameters(shop.item_fields, _IS_DELETED.name),
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

"""The types of values in events: how each is read, published as JSON Schema, and stored.

A schema and the reader accept the same values, with seven exceptions that JSON Schema cannot
express or that would make it unreadable: a slate may not repeat an item, an event may not correct
itself nor a user be merged with itself, a shop's own fields have a limit together, 7.0 is not an
id, and the reader accepts more ISO 8601 forms, amounts as text or with their currency, and the
signs of currencies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pyarrow as pa
from msgspec import Meta

from feature_repo.events.contract import values
from feature_repo.events.contract.slates import EXACT_SLATE, shown_items
from feature_repo.events.contract.values import (
    LARGEST_SEED,
    LONGEST_ID,
    LONGEST_SLATE,
    LONGEST_TEXT,
    Reader,
)
from feature_repo.home import LATEST, SECOND, parse_instant

Schema = dict[str, Any]


@dataclass(frozen=True, eq=False)
class ValueType:
    """One type of value.

    Attributes:
        arrow: type of its column in the compacted log.
        read: reader of a sender's value; None if only the platform writes the field.
        schema: JSON Schema; None where it follows from the record.
        as_json: whether the column holds the value as JSON text.
        exact: type of the JSON values that `read` returns as they are; None for none.
    """

    arrow: pa.DataType
    read: Reader | None = None
    schema: Schema | None = None
    as_json: bool = False
    exact: Any = None


def choice(*options: str) -> ValueType:
    """Return the type of a text that is one of a few options."""
    return ValueType(pa.string(), values.one_of(*options), exact=Literal[options])


def platform_list() -> ValueType:
    """Return the type of a list of texts that only the platform writes."""
    return ValueType(pa.list_(pa.string()))


def platform_json() -> ValueType:
    """Return the type of a nested value that only the platform writes."""
    return ValueType(pa.string(), as_json=True)


_DAYS = "(0[1-9]|1[0-9]|2[0-8])"
_DATE = (
    f"((19[789][0-9]|20[0-9][0-9])-((0[1-9]|1[0-2])-{_DAYS}|(0[13-9]|1[0-2])-(29|30)"
    "|(0[13578]|1[02])-31)|(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26]))-02-29)"
)
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_ISO = f"^{_DATE}([T ]{_CLOCK}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?$"
_DIGITS = (
    "^(0|[1-9][0-9]{0,8}|[1-3][0-9]{9}"
    "|[1-9][0-9]{11}|[1-3][0-9]{12}"
    "|[1-9][0-9]{14}|[1-3][0-9]{15})$"
)
_LARGEST = values.LARGEST_NUMBER

_PLAIN_SCHEMA: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
_TEXT_SCHEMA: Schema = _PLAIN_SCHEMA | {"maxLength": LONGEST_TEXT}
_NUMBER_SCHEMA: Schema = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
_ID_SCHEMA: Schema = {
    "anyOf": [
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_ID,
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
        },
        {"type": "integer", "minimum": -(2**63), "maximum": 2**64 - 1},
    ]
}
_TIME_SCHEMA: Schema = {
    "anyOf": [
        {"type": "string", "pattern": _ISO, "not": {"pattern": "^(1970-01-01|2099-12-31)"}},
        {"type": "string", "pattern": _DIGITS},
        *(
            {"type": "number", "minimum": least, "maximum": (LATEST // SECOND - 1) * units}
            for least, units in ((0, 1), (10**11, 1_000), (10**14, SECOND))
        ),
    ]
}
_SHOP_FIELDS_SCHEMA: Schema = {
    "type": "object",
    "propertyNames": _PLAIN_SCHEMA,
    "additionalProperties": {
        "anyOf": [
            _PLAIN_SCHEMA,
            _NUMBER_SCHEMA,
            {"type": ["boolean", "null"]},
            {"type": "array", "items": {"anyOf": [_PLAIN_SCHEMA, _NUMBER_SCHEMA]}},
        ]
    },
}
_SHOWN_SCHEMA: Schema = {
    "type": "object",
    "required": ["item_id"],
    "additionalProperties": False,
    "properties": {
        "item_id": _ID_SCHEMA,
        "score": {**_NUMBER_SCHEMA, "type": ["number", "null"]},
        "propensity": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
    },
}
_SLATE_SCHEMA: Schema = {
    "type": "array",
    "maxItems": LONGEST_SLATE,
    "items": {"anyOf": [_ID_SCHEMA, _SHOWN_SCHEMA]},
}


def _slate_column() -> pa.DataType:
    columns: Sequence[pa.Field] = [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("propensity", pa.float64()),
    ]
    return pa.list_(pa.struct(columns))


INSTANT_COLUMN = pa.timestamp("us", tz="UTC")

_NUMBER = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
_EXACT_ID = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
_EXACT_FIELDS = dict[str, str | _NUMBER | bool | list[str] | None]

ID = ValueType(pa.string(), values.identifier, _ID_SCHEMA, exact=_EXACT_ID)
TEXT = ValueType(
    pa.string(), values.text, _TEXT_SCHEMA, exact=Annotated[str, Meta(max_length=LONGEST_TEXT)]
)
AMOUNT = ValueType(pa.float64(), values.amount, _NUMBER_SCHEMA, exact=_NUMBER)
CURRENCY = ValueType(
    pa.string(), values.currency, {"type": "string", "pattern": "^[A-Z]{3}$"}, exact=str
)
INSTANT = ValueType(
    INSTANT_COLUMN,
    parse_instant,
    _TIME_SCHEMA,
    exact=Annotated[int, Meta(ge=10**14, lt=LATEST)],
)
SHOP_FIELDS = ValueType(
    pa.string(), values.shop_fields, _SHOP_FIELDS_SCHEMA, as_json=True, exact=_EXACT_FIELDS
)
SLATE = ValueType(_slate_column(), shown_items, _SLATE_SCHEMA, exact=EXACT_SLATE)
OFFSET_MINUTES = ValueType(
    pa.int32(),
    values.minutes,
    {"type": "integer", "minimum": -1439, "maximum": 1439},
    exact=Annotated[int, Meta(gt=-24 * 60, lt=24 * 60)],
)
TEMPERATURE = ValueType(
    pa.float64(),
    values.temperature,
    {"type": "number", "minimum": 0, "maximum": _LARGEST},
    exact=Annotated[float, Meta(ge=0, le=_LARGEST)],
)
SEED = ValueType(
    pa.int64(),
    values.seed,
    {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED},
    exact=Annotated[int, Meta(ge=0, le=LARGEST_SEED)],
)

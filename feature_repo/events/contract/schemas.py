"""The contract as JSON Schemas, for those who send events from another language.

Names, required keys and defaults come from the records; what a value may be, and what it means,
stands here.  What a schema accepts the parser accepts, save for what JSON Schema cannot say: that
an item may stand only once in a slate, and that 7.0 is no id.  The parser also reads times in
other ISO 8601 forms.  Validation is stricter than both (see `validation.py`).
"""

import inspect
from typing import Any

import msgspec

from feature_repo.events.contract.events import KINDS, SHOP_KINDS
from feature_repo.events.contract.parsing import REQUIRED
from feature_repo.events.contract.values import LARGEST_SEED, LONGEST_ID
from feature_repo.home import LATEST, SECOND

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

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
_LARGEST = 1.7e308

_TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
_NUMBER: Schema = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
_ID: Schema = {
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
_TIME: Schema = {
    "anyOf": [
        {"type": "string", "pattern": _ISO, "not": {"pattern": "^(1970-01-01|2099-12-31)"}},
        {"type": "string", "pattern": _DIGITS},
        *(
            {"type": "number", "minimum": least, "maximum": (LATEST // SECOND - 1) * units}
            for least, units in ((0, 1), (10**11, 1_000), (10**14, SECOND))
        ),
    ]
}
_FIELDS: Schema = {
    "type": "object",
    "propertyNames": _TEXT,
    "additionalProperties": {
        "anyOf": [
            _TEXT,
            _NUMBER,
            {"type": ["boolean", "null"]},
            {"type": "array", "items": {"anyOf": [_TEXT, _NUMBER]}},
        ]
    },
}
_SHOWN: Schema = {
    "type": "object",
    "required": ["item_id"],
    "additionalProperties": False,
    "properties": {
        "item_id": _ID,
        "score": {**_NUMBER, "type": ["number", "null"]},
        "propensity": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
    },
}

_VALUES: dict[str, tuple[Schema, str]] = {
    "event_id": (_ID, "Unique at any age; a repeated id changes nothing."),
    "event_time": (
        _TIME,
        "When it happened: ISO 8601 (UTC unless it says otherwise), or seconds, milliseconds or "
        "microseconds since 1970, told by their size.",
    ),
    "received_at": (
        _TIME,
        "When the shop's log took it; left out, event_time in a file, and over HTTP always now.",
    ),
    "item_id": (_ID, "The item; an integer becomes text."),
    "user_id": (_ID, "The user; an integer becomes text."),
    "session_id": (_ID, "The visit."),
    "request_id": (_ID, "Names one slate, once; interactions with it carry the same."),
    "fields": (_FIELDS, "The shop's own fields by name; null removes one."),
    "items": (
        {"type": "array", "items": {"anyOf": [_ID, _SHOWN]}},
        "What was shown, best position first; left out where Aisle's own answer was shown; none "
        "where the query, which must be given then, found nothing.",
    ),
    "surface": (_TEXT, "Where in the shop the slate was shown."),
    "query": (_TEXT, "What was searched for."),
    "market": (_ID, "Country, language or branch; queries of two markets are two queries."),
    "utc_offset_minutes": (
        {"type": "integer", "minimum": -1439, "maximum": 1439},
        "Local time ahead of UTC; left out, that of event_time.",
    ),
    "temperature": (
        {"type": "number", "minimum": 0, "maximum": _LARGEST},
        "Scale of the Gumbel noise on the scores, where the order was drawn.",
    ),
    "seed": (
        {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED},
        "Of that noise: with scores and temperature the order can be drawn again.",
    ),
    "type": (_ID, "What was done: click, add_to_cart, purchase, or the shop's own."),
    "value": (_NUMBER, "An amount that belongs to the interaction."),
    "quantity": (_NUMBER, "Units meant by the interaction."),
    "corrects": (
        _ID,
        "The event_id that this one takes back: item, user, type and value said here are counted "
        "off where that event counted.",
    ),
}


def json_schema(kind: str) -> Schema:
    """The schema of a canonical event of one kind, which stands by itself.

    >>> sorted(json_schema("item")["required"])
    ['event_id', 'event_time', 'item_id', 'kind']
    """
    record = KINDS[kind]
    published = msgspec.json.schema(record)["$defs"][record.__name__]
    required = ["kind", *REQUIRED[kind]]
    return {
        "$schema": DIALECT,
        "title": f"Aisle {kind} event",
        "description": inspect.cleandoc(published["description"]),
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": {
            name: said if name in ("kind", "op") else _property(name, name in required)
            for name, said in published["properties"].items()
        },
    }


def json_schemas() -> dict[str, Schema]:
    """The schemas of the kinds a shop may send."""
    return {kind: json_schema(kind) for kind in SHOP_KINDS}


def _property(name: str, required: bool) -> Schema:
    schema, description = _VALUES[name]
    if required:
        return {"description": description, **schema}
    return {"description": description, "anyOf": [schema, {"type": "null"}]}

"""JSON Schemas of the events that a shop may send, for senders in other languages.

Names, required keys and defaults come from the records; types and descriptions come from their
`Field` annotations. `value_types.py` says where a schema and the parser differ. Validation is
stricter than both (see `validation.py`).
"""

import inspect

import msgspec

from feature_repo.events.contract.event_kind import OnlyWith
from feature_repo.events.contract.fields import Field
from feature_repo.events.contract.kinds import EVENT_KINDS, SHOP_KINDS
from feature_repo.events.contract.value_types import Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str) -> Schema:
    """Return the self-contained schema of a canonical event of one kind.

    >>> sorted(json_schema("item")["required"])
    ['event_id', 'event_time', 'item_id', 'kind']
    """
    declared = EVENT_KINDS[kind]
    record = declared.record
    published = msgspec.json.schema(record)["$defs"][record.__name__]
    required = ["kind", *declared.required]
    return {
        "$schema": DIALECT,
        "title": f"Aisle {kind} event",
        "description": inspect.cleandoc(published["description"]),
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": {
            name: _property(declared.fields.get(name), derived, name in required)
            for name, derived in published["properties"].items()
            if name in declared.readers
        },
        **({"allOf": [*map(_condition, declared.conditions)]} if declared.conditions else {}),
    }


def json_schemas() -> dict[str, Schema]:
    """Return the schemas of the kinds that a shop may send, by kind."""
    return {kind: json_schema(kind) for kind in SHOP_KINDS}


def _condition(condition: OnlyWith) -> Schema:
    """Return the rule that only some operations have a field; without `op` it is an upsert."""
    has_op: Schema = {"properties": {"op": {"enum": [*condition.ops]}}}
    needs_op: Schema = {} if "upsert" in condition.ops else {"required": ["op"]}
    is_value: Schema = {"properties": {condition.field: {"not": {"type": "null"}}}}
    needed: Schema = (
        {"then": {"required": [condition.field], **is_value}} if condition.required else {}
    )
    absent: Schema = {"properties": {condition.field: {"enum": [None, {}]}}}
    return {"if": has_op | needs_op, **needed, "else": absent}


def _property(field: Field | None, derived: Schema, required: bool) -> Schema:
    """Return the schema of one key; `derived` is the schema that msgspec derives from the type."""
    if field is None or field.type.schema is None:
        return derived
    if required:
        return {"description": field.description, **field.type.schema}
    return {"description": field.description, "anyOf": [field.type.schema, {"type": "null"}]}

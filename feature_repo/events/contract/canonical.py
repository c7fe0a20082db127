"""Read events of the canonical dialect: objects with the keys of `kinds.py`.

Unknown keys are errors, because most are misspelt; a null is the same as an absent key.
"""

from collections.abc import Mapping
from typing import Any, cast

from feature_repo.events.contract.event_kind import EventKind
from feature_repo.events.contract.events import AnyEvent
from feature_repo.events.contract.kinds import EVENT_KINDS, SHOP_KINDS
from feature_repo.events.contract.values import read_object, with_currency
from feature_repo.home import EventError, did_you_mean, utc_offset_minutes


def parse_canonical(raw: object) -> AnyEvent:
    """Read a canonical event.

    A ranking may leave out its items if the shop showed Aisle's own answer; an empty list means a
    search without results (see `validation.py`).

    Raises:
        EventError: a key is missing or unknown, or has a bad value.
    """
    if not isinstance(raw, dict):
        raise EventError("event", "a JSON object", raw)
    name = raw.get("kind")
    if not isinstance(name, str) or name not in SHOP_KINDS:
        hint = did_you_mean(name, SHOP_KINDS) if isinstance(name, str) else ""
        raise EventError("kind", f"one of {', '.join(SHOP_KINDS)}", name, hint)
    kind = EVENT_KINDS[name]
    fields = read_object(with_currency(raw) if "value" in raw else raw, kind.readers)
    del fields["kind"]
    for required in kind.required:
        if required not in fields:
            raise EventError(required, "a value", None)
    _check_operation(kind, fields)
    if fields.get("corrects") == fields["event_id"]:
        raise EventError("corrects", "the event_id of another event", fields["event_id"])
    if "utc_offset_minutes" in kind.fields and "utc_offset_minutes" not in fields:
        fields["utc_offset_minutes"] = utc_offset_minutes(raw["event_time"])
    return cast(AnyEvent, kind.record_for(fields)(**fields))


def _check_operation(kind: EventKind, fields: Mapping[str, Any]) -> None:
    """Check that the event has the fields of its operation, and none of another's."""
    op = fields.get("op", "upsert")
    for condition in kind.conditions:
        value = fields.get(condition.field)
        if op not in condition.ops and value:
            ops = " or ".join(condition.ops)
            raise EventError(condition.field, f"no value, except with op {ops}", value)
        if op in condition.ops and condition.required and value is None:
            raise EventError(condition.field, f"a value, because op is {op}", None)
    if op == "merge" and fields["from_user_id"] == fields["user_id"]:
        raise EventError("from_user_id", "another user than user_id", fields["from_user_id"])

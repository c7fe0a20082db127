"""Turn a sender's object into a record of the contract, or say in one sentence why not.

Two dialects are understood: our own, told by its key `kind`, and Metarank's, told by its key
`event` (see `metarank.py`).  In our own dialect an unknown key is refused, because it is most
likely a known one misspelt, and a null is the same as an absent key.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from feature_repo.events.contract import values
from feature_repo.events.contract.events import (
    KINDS,
    SHOP_KINDS,
    AnyEvent,
    ServedRankingEvent,
    ShownItem,
)
from feature_repo.events.contract.metarank import parse_metarank
from feature_repo.events.contract.values import Reader, identifier, text
from feature_repo.home import EventError, parse_instant, utc_offset_minutes

__all__ = ["dialect_of", "parse_canonical", "parse_event", "parse_metarank"]

Dialect = Literal["canonical", "metarank"]


def parse_event(raw: object) -> AnyEvent:
    """Read an event of either dialect.

    Raises:
        EventError: the object is not an event; names the field.
    """
    if dialect_of(raw) == "metarank":
        return parse_metarank(raw)
    return parse_canonical(raw)


def dialect_of(raw: object) -> Dialect:
    """Tell the dialect of an object; what is neither counts as canonical, and will be refused.

    >>> dialect_of({"event": "item"}), dialect_of({"kind": "item"})
    ('metarank', 'canonical')
    """
    return (
        "metarank" if isinstance(raw, dict) and "event" in raw and "kind" not in raw
        else "canonical"
    )  # fmt: skip


def parse_canonical(raw: object) -> AnyEvent:
    """Read a canonical event: an object with the keys of its kind in `contract.py`.

    A ranking may leave out its items where this shop's answer is meant; a list of none is a search
    that found nothing (see `validation.py`).

    Raises:
        EventError: a key is missing, unknown or has a value it cannot have.
    """
    if not isinstance(raw, dict):
        raise EventError("event", "a JSON object", raw)
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in SHOP_KINDS:
        raise EventError("kind", f"one of {', '.join(SHOP_KINDS)}", kind)
    found = _read(raw, _READERS[kind])
    del found["kind"]
    for name in REQUIRED[kind]:
        if name not in found:
            raise EventError(name, "a value", None)
    if found.get("corrects") == found["event_id"]:
        raise EventError("corrects", "the event_id of another event", found["event_id"])
    if kind == "ranking" and "utc_offset_minutes" not in found:
        found["utc_offset_minutes"] = utc_offset_minutes(raw["event_time"])
    if kind == "ranking" and "items" not in found:
        return ServedRankingEvent(**found)
    return cast(AnyEvent, KINDS[kind](**found))


def shown_items(value: object, field: str) -> tuple[ShownItem, ...]:
    """Read a slate: a list of ids, or of objects with `item_id`, `score` and `propensity`.

    Which item is wrong is worked out only where one is: naming them all would double the time.

    Raises:
        EventError: no list, no item in a place of it, or the same one twice.
    """
    if not isinstance(value, list):
        raise EventError(field, "a list of items", value)
    try:
        shown = tuple(_shown_item(item, field) for item in value)
    except EventError:
        shown = tuple(_shown_item(item, f"{field}[{n}]") for n, item in enumerate(value))
    values.check_unique([item.item_id for item in shown], field)
    return shown


def _shown_item(item: object, field: str) -> ShownItem:
    if not isinstance(item, dict):
        return ShownItem(identifier(item, field))
    found = _read(item, _SHOWN, f"{field}.")
    if "item_id" not in found:
        raise EventError(f"{field}.item_id", "a value", None)
    return ShownItem(**found)


def _read(
    raw: Mapping[str, object], readers: Mapping[str, Reader], within: str = ""
) -> dict[str, Any]:
    found = {}
    for name, value in raw.items():
        if value is None:
            continue
        reader = readers.get(name)
        if reader is None:
            raise EventError(f"{within}{name}", f"only the keys {', '.join(readers)}", value)
        found[name] = reader(value, f"{within}{name}")
    return found


_SHOWN: dict[str, Reader] = {
    "item_id": identifier,
    "score": values.number,
    "propensity": values.share,
}
_EVERY: dict[str, Reader] = {
    "kind": text,
    "event_id": identifier,
    "event_time": parse_instant,
    "received_at": parse_instant,
}
_READERS: dict[str, dict[str, Reader]] = {
    "item": {
        **_EVERY,
        "item_id": identifier,
        "op": values.one_of("upsert", "delete"),
        "fields": values.shop_fields,
    },
    "user": {
        **_EVERY,
        "user_id": identifier,
        "op": values.one_of("upsert", "erase"),
        "fields": values.shop_fields,
    },
    "ranking": {
        **_EVERY,
        "request_id": identifier,
        "items": shown_items,
        "user_id": identifier,
        "session_id": identifier,
        "surface": text,
        "query": text,
        "market": identifier,
        "utc_offset_minutes": values.minutes,
        "temperature": values.temperature,
        "seed": values.seed,
    },
    "interaction": {
        **_EVERY,
        "item_id": identifier,
        "type": identifier,
        "request_id": identifier,
        "user_id": identifier,
        "session_id": identifier,
        "value": values.number,
        "corrects": identifier,
        "quantity": values.number,
    },
}
REQUIRED = {
    "item": ("event_id", "event_time", "item_id"),
    "user": ("event_id", "event_time", "user_id"),
    "ranking": ("event_id", "event_time", "request_id"),
    "interaction": ("event_id", "event_time", "item_id", "type"),
}
"""The keys that a sender may not leave out, beside the kind."""

"""Readers of parts of objects that dialects share, and ids that follow from content."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from feature_repo.events.contract import FieldValue, identifier, shop_field
from feature_repo.home import EventError, to_datetime

LONGEST_EXTRA = 1_000
"""Characters of a value of `extra`; a longer text is cut."""

LIST_PREFIX = "list:"
"""Start of the request ids of lists that have none."""

MOST_EXTRAS = 50
"""Values of `extra`; further ones are left out."""

QUERY_PARAMETERS = ("q", "s", "search", "query", "keyword")
"""Parameters of the address of a page of results, in the order of Google Analytics."""

_ABSENT = (None, "", "(not set)")
_EMPTY: tuple[object, ...] = (*_ABSENT, [])


def first(raw: Mapping[str, Any], *names: str) -> Any:
    """Return the first value that is there; None if there is none.

    >>> first({"sku": "", "product_id": 7}, "sku", "product_id")
    7
    """
    for name in names:
        value = raw.get(name)
        if value not in _ABSENT:
            return value
    return None


def optional_id(value: object, field: str) -> str | None:
    """Read an id; None for an absent or empty value."""
    return None if value in _ABSENT else identifier(value, field)


def mapping(value: object, field: str) -> Mapping[str, Any]:
    """Read an object; empty for None.

    Raises:
        EventError: the value is no object.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EventError(field, "an object", value)
    return value


def objects(value: object, field: str) -> Sequence[Mapping[str, Any]]:
    """Read a list of objects; empty for None.

    Raises:
        EventError: the value is no list, or an element is no object.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise EventError(field, "a list of objects", value)
    for n, element in enumerate(value):
        if not isinstance(element, dict):
            raise EventError(f"{field}[{n}]", "an object", element)
    return value


def content_id(dialect: str, raw: object) -> str:
    """Return the id of an object without one; it follows from the content in any order of keys.

    >>> content_id("ga4", {"a": 1, "b": 2}) == content_id("ga4", {"b": 2, "a": 1})
    True
    """
    return f"{dialect}:{_digest(msgspec.json.encode(raw, order='deterministic'))}"


def list_request_id(*parts: object) -> str:
    """Return the request id of a list that has none, from what the clicks on it repeat.

    A list and its clicks may come in any order, and to different processes.
    """
    return f"{LIST_PREFIX}{_digest(msgspec.json.encode(parts))}"


def search_query(address: object) -> str | None:
    """Return the query in the address of a page of results.

    >>> search_query("https://shop.example/search?page=2&q=red+shoes")
    'red shoes'
    """
    if not isinstance(address, str) or "?" not in address:
        return None
    try:
        parameters = parse_qs(urlsplit(address).query)
    except ValueError:
        return None
    return next((parameters[name][0] for name in QUERY_PARAMETERS if name in parameters), None)


def zone_offset(zone: object, instant: int) -> int | None:
    """Return the minutes that a time zone is ahead of UTC at an instant; None if it has no name.

    >>> zone_offset("Europe/Athens", 1_671_715_547_000_000)
    120
    """
    named = _zone(zone) if isinstance(zone, str) and zone else None
    offset = None if named is None else to_datetime(instant).astimezone(named).utcoffset()
    return None if offset is None else offset // timedelta(minutes=1)


def leaves(raw: Mapping[str, Any], read: Collection[str] = ()) -> dict[str, FieldValue]:
    """Return the values of an object as a shop's own fields, without the keys that were read.

    Nested names are joined by dots; a value that no field can have becomes its JSON text.

    >>> leaves({"id": "p1", "size": {"eu": 42}, "parts": [{"id": 1}]}, {"id"})
    {'size.eu': 42.0, 'parts': '[{"id":1}]'}
    """
    values: dict[str, FieldValue] = {}
    for name, value in raw.items():
        if name in read:
            continue
        if isinstance(value, dict):
            values |= {f"{name}.{inner}": leaf for inner, leaf in leaves(value).items()}
        else:
            values[name] = _field_value(value, name)
    return values


def extras(raw: Mapping[str, Any], read: Collection[str]) -> dict[str, FieldValue] | None:
    """Return what an object says besides the keys that were read; None if nothing.

    Long texts are cut, and further values than `MOST_EXTRAS` are left out.

    >>> extras({"id": "p1", "coupon": "", "size": {"eu": 42}}, {"id"})
    {'size.eu': 42.0}
    """
    stated = [(name, value) for name, value in leaves(raw, read).items() if value not in _EMPTY]
    if not stated:
        return None
    return {
        name[:LONGEST_EXTRA]: value[:LONGEST_EXTRA] if isinstance(value, str) else value
        for name, value in stated[:MOST_EXTRAS]
    }


def _field_value(value: object, field: str) -> FieldValue:
    try:
        return shop_field(value, field)
    except EventError:
        return msgspec.json.encode(value, enc_hook=str).decode().replace("\0", "")


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # An unknown name is a FileNotFoundError, or a folder of zones.
        return None

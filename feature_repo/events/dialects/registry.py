"""Every dialect by name, and the dialect of an object.

The first dialect that recognizes an object parses it: dialects of installed packages in the order
of their names, then the canonical one, then Aisle's other ones. A shop's package adds a dialect
under the entry point group `aisle.dialects`:

    [project.entry-points."aisle.dialects"]
    orders = "shop_extras.orders:ORDERS"

    ORDERS = Dialect(
        recognizes=lambda raw: "order_no" in raw,
        parse=lambda raw: [parse_canonical({"kind": "interaction", …}) for line in raw["lines"]],
    )
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from feature_repo.events.catalogues import CATALOGUES
from feature_repo.events.contract import AnyEvent, checked_record
from feature_repo.events.dialects.algolia import ALGOLIA
from feature_repo.events.dialects.canonical import CANONICAL
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.ga4 import GA4
from feature_repo.events.dialects.google_retail import GOOGLE_RETAIL
from feature_repo.events.dialects.metarank import METARANK
from feature_repo.events.dialects.segment import SEGMENT
from feature_repo.events.dialects.snowplow import SNOWPLOW
from feature_repo.events.dialects.ubi import UBI
from feature_repo.home import EventError, extension_error, extensions

GROUP = "aisle.dialects"
LONGEST_LABEL = 80

_CATALOGUES = tuple(
    Dialect(
        name=one.name,
        description=one.description,
        recognizes=one.recognizes,
        parse=one.parse,
        unwrap=one.unwrap,
    )
    for one in CATALOGUES.values()
)
_EVENTS = (CANONICAL, UBI, GA4, SEGMENT, GOOGLE_RETAIL, ALGOLIA, SNOWPLOW, METARANK)
BUILT_IN: Mapping[str, Dialect] = {
    str(dialect.name): dialect for dialect in (*_EVENTS, *_CATALOGUES)
}
"""Aisle's dialects, in the order they are tried: canonical objects are most frequent, and others
have Metarank's key `event` too."""

_SOURCE = "_source"
_BULK_ACTIONS = ("index", "create", "update", "delete")


class SentObject(NamedTuple):
    """One object of a sender, and its dialect."""

    dialect: Dialect
    raw: Any

    def parse(self) -> Sequence[AnyEvent]:
        """Return the events of the object.

        Raises:
            EventError: the object is bad; names the field.
        """
        return self.dialect.parse(self.raw)

    @property
    def label(self) -> str:
        """The dialect and what the object is about, for counts of objects that mean no event."""
        about = "" if self.dialect.label is None else f": {self.dialect.label(self.raw)}"
        return f"{self.dialect.name}{about}"[:LONGEST_LABEL]


@functools.cache
def dialects() -> Mapping[str, Dialect]:
    """Return every dialect by name, in the order they are tried.

    Raises:
        ExtensionError: a package's dialect cannot be loaded, or has the name of a built-in one.
    """
    return {**_installed(), **BUILT_IN}


def has_installed_dialects() -> bool:
    """Return whether packages add dialects, which may recognize any object."""
    return len(dialects()) > len(BUILT_IN)


def dialect_of(raw: object) -> str:
    """Return the name of an object's dialect; `canonical` if no dialect recognizes it.

    >>> dialect_of({"event": "item"}), dialect_of({"kind": "item"})
    ('metarank', 'canonical')
    """
    return _recognized(raw) or "canonical"


def is_recognized(raw: Raw) -> bool:
    """Return whether an object is one of a dialect."""
    return _recognized(raw) is not None


def sent_objects(raw: object, name: str | None = None) -> list[SentObject]:
    """Return the objects of a value, each with its dialect.

    A recognized object is one, or those that its dialect unwraps. Of another object, such as an
    answer of a search in OpenSearch, the lists count whose first element has a dialect; without
    such a list it is a canonical object, which is then an error.

    Args:
        raw: the value.
        name: its dialect, if the file around it has one; an object alone may lack the keys that
            its dialect is recognized by.

    >>> sent = sent_objects({"data": [{"kind": "item"}, {"event": "item"}]})
    >>> [each.dialect.name for each in sent]
    ['canonical', 'metarank']
    """
    name = name or _recognized(raw)
    if name is not None:
        return _unwrapped(dialects()[name], raw)
    inner = _inner_objects(raw) if isinstance(raw, dict) else None
    return [SentObject(CANONICAL, raw)] if inner is None else inner


def parse_events(raw: object, name: str | None = None) -> Sequence[AnyEvent]:
    """Read the events of a value in any dialect.

    Args:
        raw: the value.
        name: its dialect, if the file around it has one.

    Raises:
        EventError: an object is bad; names the field.
    """
    return [event for each in sent_objects(raw, name) for event in each.parse()]


def parse_feedback(raw: object) -> Sequence[AnyEvent]:
    """Read the events of a value in any non-canonical dialect, by default Metarank's.

    Raises:
        EventError: an object is bad; names the field.
    """
    each_metarank = (
        each._replace(dialect=METARANK) if each.dialect is CANONICAL else each
        for each in sent_objects(raw)
    )
    return [event for each in each_metarank for event in each.parse()]


def sent_name(raw: object, name: str) -> str:
    """Return the sender's name of a canonical key.

    >>> sent_name({"event": "item"}, "event_time"), sent_name({"kind": "item"}, "event_time")
    ('timestamp', 'event_time')
    """
    return dialects()[dialect_of(raw)].names.get(name, name)


def _installed() -> dict[str, Dialect]:
    installed = extensions(GROUP, Dialect)
    for name in installed.keys() & BUILT_IN.keys():
        raise extension_error(
            GROUP, name, "a name that no dialect of Aisle has", "one of its dialects", "Rename it."
        )
    return {name: _checked(name, dialect) for name, dialect in installed.items()}


def _recognized(raw: object) -> str | None:
    if isinstance(raw, dict):
        for name, dialect in dialects().items():
            if dialect.recognizes(raw):
                return name
    return None


def _unwrapped(dialect: Dialect, raw: object) -> list[SentObject]:
    if dialect.unwrap is None:
        return [SentObject(dialect, raw)]
    try:
        return [SentObject(dialect, inner) for inner in dialect.unwrap(raw)]
    except EventError:  # Parsing it says why.
        return [SentObject(dialect, raw)]


def _inner_objects(raw: Raw) -> list[SentObject] | None:
    """Return the objects inside one that no dialect recognizes; None if there are none."""
    if isinstance(raw.get(_SOURCE), dict):
        return sent_objects(raw[_SOURCE])
    if _is_bulk_action(raw):
        return []
    inner: list[SentObject] = []
    for value in raw.values():
        if isinstance(value, dict):
            inner += _inner_objects(value) or ()
        elif isinstance(value, list) and value and _has_objects(value[0]):
            inner += [each for element in value for each in sent_objects(element)]
    return inner or None


def _has_objects(raw: object) -> bool:
    if not isinstance(raw, dict):
        return False
    return _recognized(raw.get(_SOURCE, raw)) is not None


def _is_bulk_action(raw: Raw) -> bool:
    """Return whether an object is the line before a document in a bulk request of OpenSearch."""
    (name, value), *others = raw.items() or ((None, None),)
    return not others and name in _BULK_ACTIONS and isinstance(value, dict)


def _checked(name: str, dialect: Dialect) -> Dialect:
    """Wrap an installed dialect so that any failure quarantines the object it was reading."""

    def recognizes(raw: Raw) -> bool:
        try:
            return bool(dialect.recognizes(raw))
        except Exception:  # A package's code may raise anything for another dialect's object.
            return False

    def parse(raw: Raw) -> Sequence[AnyEvent]:
        try:
            return [checked_record(event) for event in dialect.parse(raw)]
        except EventError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise EventError("event", f"an object of the dialect {name}", reason) from error

    return replace(dialect, name=name, recognizes=recognizes, parse=parse)

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

from feature_repo.events.contract import AnyEvent, checked_record
from feature_repo.events.dialects.canonical import CANONICAL
from feature_repo.events.dialects.dialect import Dialect, Raw
from feature_repo.events.dialects.metarank import METARANK
from feature_repo.home import EventError, extension_error, extensions

GROUP = "aisle.dialects"

BUILT_IN: Mapping[str, Dialect] = {str(dialect.name): dialect for dialect in (CANONICAL, METARANK)}
"""Aisle's dialects, in the order they are tried; canonical objects are most frequent."""


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


def parse_events(raw: object) -> Sequence[AnyEvent]:
    """Read the events of an object in any dialect.

    Raises:
        EventError: the object is bad; names the field.
    """
    return dialects()[dialect_of(raw)].parse(raw)


def parse_feedback(raw: object) -> Sequence[AnyEvent]:
    """Read the events of an object in any non-canonical dialect, by default Metarank's.

    Raises:
        EventError: the object is bad; names the field.
    """
    name = _recognized(raw)
    return dialects()["metarank" if name in (None, "canonical") else name].parse(raw)


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

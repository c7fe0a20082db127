"""The dialects of events: the formats that senders use.

    canonical   objects with the keys of `kinds.py`; the only dialect of `POST /events`
    metarank    Metarank's events; see `metarank.py`

A shop's package adds a dialect under the entry point group `aisle.dialects`:

    [project.entry-points."aisle.dialects"]
    orders = "shop_extras.orders:ORDERS"

    ORDERS = Dialect(
        recognizes=lambda raw: "order_no" in raw,
        parse=lambda raw: [parse_canonical({"kind": "interaction", …}) for line in raw["lines"]],
    )

Files and `POST /feedback` then accept its objects. The first dialect that recognizes an object
parses it: installed dialects in the order of their names, then Metarank's, then the canonical one.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from feature_repo.events.contract.canonical import parse_canonical
from feature_repo.events.contract.events import AnyEvent
from feature_repo.events.contract.kinds import EVENT_KINDS, SHOP_KINDS, kind_of_event
from feature_repo.events.contract.metarank import NAMES, parse_metarank
from feature_repo.events.contract.value_types import INSTANT
from feature_repo.home import EventError, extension_error, extensions

GROUP = "aisle.dialects"

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Dialect:
    """One format of events.

    Attributes:
        recognizes: returns whether an object is written in this dialect; an exception counts as
            False. It is called for every object that is read, so it should look at keys only.
        parse: returns the events of an object, which may be none or many. It raises EventError if
            the object is bad; any other exception quarantines the object too.
        names: canonical key → the dialect's, for messages to the sender.
    """

    recognizes: Callable[[Raw], bool]
    parse: Callable[[Any], Sequence[AnyEvent]]
    names: Mapping[str, str] = field(default_factory=dict)


CANONICAL = Dialect(
    recognizes=lambda raw: "kind" in raw,
    parse=lambda raw: (parse_canonical(raw),),
)
METARANK = Dialect(
    recognizes=lambda raw: "event" in raw and "kind" not in raw,
    parse=lambda raw: (parse_metarank(raw),),
    names=NAMES,
)
BUILT_IN = {"metarank": METARANK, "canonical": CANONICAL}


@functools.cache
def dialects() -> Mapping[str, Dialect]:
    """Return every dialect by name, in the order they are tried.

    Raises:
        ExtensionError: a package's dialect cannot be loaded, or has the name of a built-in one.
    """
    return _installed() | BUILT_IN


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
    return _parse(raw, dialect_of(raw))


def parse_feedback(raw: object) -> Sequence[AnyEvent]:
    """Read the events of an object in any non-canonical dialect, by default Metarank's.

    Raises:
        EventError: the object is bad; names the field.
    """
    name = _recognized(raw)
    return _parse(raw, name if name is not None and name != "canonical" else "metarank")


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


def _parse(raw: object, name: str) -> Sequence[AnyEvent]:
    return dialects()[name].parse(raw)


def _checked(name: str, dialect: Dialect) -> Dialect:
    """Wrap an installed dialect so that any failure quarantines the object it was reading."""

    def recognizes(raw: Raw) -> bool:
        try:
            return bool(dialect.recognizes(raw))
        except Exception:  # A package's code may raise anything for another dialect's object.
            return False

    def parse(raw: Raw) -> Sequence[AnyEvent]:
        try:
            return [_sound(event) for event in dialect.parse(raw)]
        except EventError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise EventError("event", f"an object of the dialect {name}", reason) from error

    return Dialect(recognizes, parse, dialect.names)


def _sound(event: AnyEvent) -> AnyEvent:
    """Return the event if its kind and the types of its values meet the contract."""
    kinds = [EVENT_KINDS[name] for name in SHOP_KINDS]
    if type(event) not in {record for kind in kinds for record in (kind.record, kind.draft)}:
        raise TypeError(f"expected events of {', '.join(SHOP_KINDS)}, found {type(event).__name__}")
    sound = msgspec.convert(msgspec.to_builtins(event), type(event))
    _check_values(sound)
    return sound


def _check_values(event: AnyEvent) -> None:
    """Read every value again as if a sender had sent it; instants are already in microseconds."""
    for name, declared in kind_of_event(event).fields.items():
        value = msgspec.json.decode(msgspec.json.encode(getattr(event, name)))
        read = declared.type.read
        if read is not None and declared.type is not INSTANT and value is not None:
            read(value, name)

"""The declaration of one dialect: how its objects are recognized, read and written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feature_repo.events.contract import AnyEvent

Raw = Mapping[str, Any]
"""One object of a dialect, decoded from JSON or from a row."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One format of events.

    Attributes:
        recognizes: returns whether an object is written in this dialect; an exception counts as
            False. It is called for every object that is read, so it should look at keys only.
        parse: returns the events of an object, which may be none or many. It raises EventError if
            the object is bad; any other exception quarantines the object too.
        name: in lower case; by default that of its entry point.
        description: one sentence for senders.
        write: returns the objects that say an event; none if the dialect cannot say it. Parsed
            again, they are the event. None for a dialect that is only read.
        names: canonical key → the dialect's, for messages to the sender.
        unwrap: returns the objects inside a recognized one, each complete; a bad one does not
            affect the others. None if an object never contains others.
        label: names what an object is about, such as the name of its event; reports count objects
            that mean no event by it.
    """

    recognizes: Callable[[Raw], bool]
    parse: Callable[[Any], Sequence[AnyEvent]]
    name: str | None = None
    description: str = ""
    write: Callable[[AnyEvent], Sequence[Raw]] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    unwrap: Callable[[Any], Sequence[Raw]] | None = None
    label: Callable[[Any], str] | None = None

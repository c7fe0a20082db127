"""Every error that Aisle raises on purpose.

AisleError
├── SettingError         an environment variable, option or file of settings has an invalid value
├── ExtensionError       an installed package declares an extension that cannot be used
├── ShopError            shop.toml cannot be read, or contradicts itself
├── MappingError         the mapping of a table is invalid, or belongs to another table
├── EventError           one event does not meet the contract: field, expected, found
├── LogError             the event log cannot be read or written as requested
│   └── LateFileError    a file contains new events at or before the last seal
├── ContractError        the data of a home violates its contract
├── BusyError            another process holds the lock of this home
├── CatalogueError       definitions, SQL and files of the features contradict each other
├── SourceChangedError   a file was replaced while a join read it
├── RedisError           no Redis server is available, or it does not answer
│   ├── WriteRefusedError  the server answers, and refuses to write
│   └── LiveStateError   a live value changed, or has another type
├── ArtifactError        an artifact is absent, damaged or made for another layout
├── DatasetError         there is no training data, or a table lacks columns
│   ├── NotEnoughError   there is too little to learn from yet (exit status 3)
│   └── LeakError        a feature contains information from after the request
├── PipelineError        a pipeline failed, or cannot be compiled
└── ServiceError         the HTTP service cannot be reached, or answered with an error
"""

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class AisleError(Exception):
    """Base of all errors raised on purpose.

    A message has three parts: what was expected, what was found, and what to do.

    Attributes:
        exit_status: of a command that ends with this error.
    """

    exit_status: ClassVar[int] = 1


class SettingError(AisleError):
    """An environment variable, option or file of settings has an invalid value."""


class ExtensionError(AisleError):
    """An installed package declares an extension that cannot be used."""

    def __init__(
        self,
        package: str,
        group: str,
        name: str,
        expected: str,
        found: str,
        advice: str = "Correct the package, or uninstall it.",
    ) -> None:
        super().__init__(
            f"package {package}, entry point {name!r} of {group}: expected {expected}, "
            f"found {found}. {advice}"
        )


class ShopError(AisleError):
    """The declaration of a shop's own fields cannot be read, or contradicts itself."""


class MappingError(AisleError):
    """The mapping of a table is invalid, or belongs to another table."""


class EventError(AisleError):
    """One event does not meet the contract.

    Attributes:
        field: as the sender names it.
        expected, found: the values that are valid, and the event's.
        hint: what to do, where that is not obvious.
    """

    def __init__(self, field: str, expected: str, found: object, hint: str = "") -> None:
        self.field = field
        self.expected = expected
        self.found = shown(found)
        self.hint = hint
        super().__init__(f"{field}: expected {expected}, found {self.found}")


class LogError(AisleError):
    """The event log cannot be read or written as requested."""


class LateFileError(LogError):
    """A file contains new events at or before the last seal."""


class ContractError(AisleError):
    """The data of a home violates its contract."""


class BusyError(AisleError):
    """Another process holds the lock of this home."""


class CatalogueError(AisleError):
    """Definitions, SQL and files of the features contradict each other."""


class SourceChangedError(AisleError):
    """A file was replaced while a join read it."""


class RedisError(AisleError):
    """No Redis server is available, or it does not answer."""


class WriteRefusedError(RedisError):
    """Redis answers and refuses every write: too few replicas, a full memory or disk."""


class LiveStateError(RedisError):
    """A live value changed, or has another type; all must be built again from the log."""


class ArtifactError(AisleError):
    """An artifact is absent, damaged or made for another layout."""


class DatasetError(AisleError):
    """There is no training data, or a table lacks columns."""


@dataclass(frozen=True)
class Shortage:
    """Something of which the log has too little."""

    what: str
    count: int
    needed: int

    def __str__(self) -> str:
        return f"{self.what}: found {self.count:,}, need {self.needed:,}"

    def to_dict(self) -> dict[str, str | int]:
        """Return a JSON-ready dict."""
        return {"what": self.what, "found": self.count, "need": self.needed}


class NotEnoughError(DatasetError):
    """There is too little to learn a ranker from yet."""

    exit_status = 3

    def __init__(self, shortages: Iterable[Shortage]) -> None:
        self.shortages = tuple(shortages)
        super().__init__(
            f"Not enough to learn from yet: {'; '.join(map(str, self.shortages))}.  Send each "
            "slate that is shown as a ranking, and the interactions that name it "
            "(docs/events.md), or purchases of users who buy again.  Until there is enough, no "
            "ranker is published: the one in use ranks, and without one popularity and the "
            "candidate sources do."
        )


class LeakError(DatasetError):
    """A feature contains information from after the request."""


class PipelineError(AisleError):
    """A pipeline failed, or cannot be compiled."""


class ServiceError(AisleError):
    """The HTTP service cannot be reached, or answered with an error."""


def shown(value: object, limit: int = 120) -> str:
    """Return a value as short text, even if it is large or deeply nested."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = limit
    text = short.repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"

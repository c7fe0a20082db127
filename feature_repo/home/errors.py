"""Every error Aisle raises on purpose.

AisleError
├── SettingError         an environment variable or an option has a value we cannot use
├── ExtensionError       an installed package declares an extension that cannot be used
├── ShopError            shop.toml cannot be read, or says something impossible
├── MappingError         the mapping of a table of transactions is wrong, or meant for another table
├── EventError           one event does not meet the contract: field, expected, found
├── LogError             the event log cannot take or give what was asked
│   └── LateFileError    a file's events lie at or before the last seal
├── BusyError            another process holds the lock of this home
├── CatalogueError       definitions, SQL and files of the features contradict each other
├── SourceChangedError   a file was replaced while a join read it
├── RedisError           no Redis server can be had, or it does not answer
├── ArtifactError        an artifact is absent, damaged or made for another layout
├── DatasetError         there is nothing to learn from, or a table lacks columns
│   └── LeakError        a feature knows what happened after the request
├── PipelineError        a pipeline ended without success, or cannot be compiled
└── ServiceError         the HTTP service cannot be reached, or answered with an error
"""

import reprlib


class AisleError(Exception):
    """Base of all errors raised on purpose.

    Messages say what was expected, what was found and what to do.
    """


class SettingError(AisleError):
    """An environment variable or an option has a value we cannot use."""


class ExtensionError(AisleError):
    """An installed package declares an extension that cannot be used."""

    def __init__(self, package: str, group: str, name: str, expected: str, found: str) -> None:
        super().__init__(
            f"package {package}, entry point {name!r} of {group}: expected {expected}, "
            f"found {found}. Correct the package, or uninstall it"
        )


class ShopError(AisleError):
    """The declaration of a shop's own fields cannot be read or says something impossible."""


class MappingError(AisleError):
    """The mapping of a table of transactions is wrong, or meant for another table."""


class EventError(AisleError):
    """One event does not meet the contract."""

    def __init__(self, field: str, expected: str, found: object) -> None:
        self.field = field
        self.expected = expected
        self.found = _shown(found)
        super().__init__(f"{field}: expected {expected}, found {self.found}")


class LogError(AisleError):
    """The event log cannot take or give what was asked."""


class LateFileError(LogError):
    """A file brings new events that lie at or before the last seal."""


class BusyError(AisleError):
    """Another process holds the lock of this home."""


class CatalogueError(AisleError):
    """Definitions, SQL and files of the features contradict each other."""


class SourceChangedError(AisleError):
    """A file was replaced while a join read it."""


class RedisError(AisleError):
    """No Redis server can be had, or it does not answer."""


class ArtifactError(AisleError):
    """An artifact is absent, damaged or made for another layout."""


class DatasetError(AisleError):
    """There is nothing to learn from, or a table lacks columns."""


class LeakError(DatasetError):
    """A feature knows what happened after the request it describes."""


class PipelineError(AisleError):
    """A pipeline ended without success, or cannot be compiled."""


class ServiceError(AisleError):
    """The HTTP service cannot be reached, or answered with an error."""


def _shown(value: object, limit: int = 120) -> str:
    """A value for people: short, whatever its size and however deep it is nested."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = limit
    text = short.repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"

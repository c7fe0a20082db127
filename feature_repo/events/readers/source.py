"""Decide from the first bytes of a file whether it is a table, a feed or a page of a catalogue."""

from collections.abc import Callable, Iterator
from typing import IO, Protocol

from feature_repo.events.catalogues import Catalogue, Row
from feature_repo.events.readers.feeds import Feed
from feature_repo.events.readers.pages import Page
from feature_repo.events.readers.refused import RefusedRows
from feature_repo.events.readers.tables import open_table

_PAGE = ("<!doctype html", "<html")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source(Protocol):
    """A file of a catalogue."""

    refused: RefusedRows

    @property
    def catalogue(self) -> Catalogue | None:
        """The format of its rows; None if they have none that Aisle reads."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows, from the first one."""


def open_source(stream: Callable[[], IO[bytes]]) -> Source | None:
    """Return a file of a catalogue; None for any other file.

    Args:
        stream: opens the file, unzipped, at its first byte; each call ends the reading before.
    """
    beginning = stream().read(1_024)
    encoding = "utf-16" if beginning.startswith(_UTF16) else "utf-8-sig"
    text = beginning.decode(encoding, errors="replace").lstrip().lower()
    if not text.startswith("<"):
        return None if text.startswith(("{", "[")) or not text else open_table(stream)
    return Page(stream) if any(mark in text for mark in _PAGE) else Feed(stream)

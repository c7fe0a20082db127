"""Read the products of schema.org in a page of HTML."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import IO

from feature_repo.events.catalogues import Catalogue, Row, catalogue_of, products
from feature_repo.events.contract import decode_json
from feature_repo.events.readers.refused import RefusedRows
from feature_repo.home import EventError

LONGEST_PAGE = 1 << 26
"""Bytes of a page, which is read as a whole."""

_COMMENT = re.compile(r"^\s*(?://\s*)?(?:<!--|<!\[CDATA\[)|(?://\s*)?(?:-->|\]\]>)\s*$")
_NONE = 'Give the page of a product with <script type="application/ld+json">, or an export.'


class Page:
    """A page of HTML with products of schema.org."""

    catalogue: Catalogue | None = None

    def __init__(self, stream: Callable[[], IO[bytes]]) -> None:
        self._stream = stream
        self.refused = RefusedRows()
        first = next(self.rows(), None)
        self.catalogue = None if first is None else catalogue_of(first.raw)

    def rows(self) -> Iterator[Row]:
        """Yield the products."""
        self.refused.take()
        scripts = _Scripts()
        scripts.feed(self._stream().read(LONGEST_PAGE).decode(errors="replace"))
        scripts.close()
        count = 0
        for line, text in scripts.texts:
            try:
                value = decode_json(_COMMENT.sub("", text).encode(), "script", "JSON-LD")
                of_script = [*products(value)]
            except EventError as error:
                self.refused.add(line, error, text)
                continue
            for product in of_script:
                count += 1
                yield Row(line, product)
        if not count and not self.refused.rows:
            none = EventError("file", "a page with products in JSON-LD", "none", _NONE)
            self.refused.add(0, none)


class _Scripts(HTMLParser):
    """Collects the scripts of JSON-LD, each with its line."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[int, str]] = []
        self._parts: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").partition(";")[0].strip().lower()
        if tag == "script" and kind == "application/ld+json":
            self._parts = []
            self._line = self.getpos()[0]

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._parts is not None:
            self.texts.append((self._line, "".join(self._parts)))
            self._parts = None

    def handle_data(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)

"""Read the products of an XML feed, RSS or Atom, as it comes; no entity is resolved.

Expat parses, so memory is that of one product.  A declaration of an entity ends the reading: it
could grow without limit, or read a file.  Names of HTML such as `&nbsp;` are characters.
"""

import html.entities
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any
from xml.parsers import expat

from feature_repo.events.catalogues import Catalogue, Row, catalogue_of
from feature_repo.events.readers.refused import RefusedRows
from feature_repo.home import EventError

ITEMS = frozenset(("item", "entry", "product", "offer"))
DEEPEST = 32
"""Levels of elements."""

LONGEST_TEXT = 1 << 20
"""Characters of a product."""

_BLOCK_BYTES = 1 << 16
_TRIED = 100
"""Products that may decide the format."""

_HINT = "Correct the file there and send it again: a product that was read counts once."
_NO_ENTITIES = "Write the text itself: Aisle resolves no entities, which can read files."


class Feed:
    """An XML feed.

    Attributes:
        catalogue: the format of its products.
        refused: what cannot be read.
    """

    def __init__(self, stream: Callable[[], IO[bytes]]) -> None:
        self._stream = stream
        self._catalogue: Catalogue | None = None
        self.refused = RefusedRows()

    @property
    def catalogue(self) -> Catalogue | None:
        """The format of the first product that has one; None if none has."""
        if self._catalogue is None:
            formats = (catalogue_of(row.raw) for row in islice(self.rows(), _TRIED))
            self._catalogue = next(filter(None, formats), None)
        return self._catalogue

    def rows(self) -> Iterator[Row]:
        """Yield the products by the names of their elements."""
        self.refused.take()
        products = _Products()
        stream = self._stream()
        try:
            while block := stream.read(_BLOCK_BYTES):
                products.parser.Parse(block, False)
                yield from products.take()
            products.parser.Parse(b"", True)
        except expat.ExpatError as error:
            yield from products.take()
            bad = EventError("file", "well-formed XML from here on", error, _HINT)
            self.refused.add(products.parser.CurrentLineNumber, bad)
        except EventError as error:
            yield from products.take()
            self.refused.add(products.parser.CurrentLineNumber, error)
        except (OSError, EOFError) as error:
            yield from products.take()
            damage = EventError("file", "a whole file", f"damage from here on: {error}")
            self.refused.add(products.parser.CurrentLineNumber, damage)


class _Products:
    """Collects the products of a feed while Expat parses it."""

    def __init__(self) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.UseForeignDTD(True)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        parser.ExternalEntityRefHandler = self._skip_external
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._named_character
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self.parser = parser
        self._rows: list[Row] = []
        self._depth = 0
        self._item: list[_Element] = []
        self._size = 0

    def take(self) -> list[Row]:
        """Return the products since the last call."""
        taken, self._rows = self._rows, []
        return taken

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise EventError("file", f"at most {DEEPEST} levels of elements", "more")
        if self._item or tag.rpartition(":")[2] in ITEMS:
            if not self._item:
                self._size = 0
            self._item.append(_Element(tag, attributes, self.parser.CurrentLineNumber))

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._item:
            return
        element = self._item.pop()
        if self._item:
            self._item[-1].add(element)
        else:
            self._rows.append(Row(element.line, element.children))

    def _text(self, text: str) -> None:
        if not self._item:
            return
        self._size += len(text)
        if self._size > LONGEST_TEXT:
            raise EventError("file", f"products of at most {LONGEST_TEXT} characters", "more")
        self._item[-1].texts.append(text)

    def _skip_external(self, context: str | None, *_: object) -> int:
        """Read an external definition as if it were empty, so that later names are skipped."""
        self.parser.ExternalEntityParserCreate(context).Parse(b"", True)
        return 1

    def _named_character(self, name: str, _: bool) -> None:
        self._text(html.entities.html5.get(f"{name};", f"&{name};"))

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise EventError("file", "XML without declarations of entities", name, _NO_ENTITIES)


class _Element:
    """An element of a product: its text, or its children by name."""

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        prefix, _, self.name = tag.rpartition(":")
        self.is_prefixed = bool(prefix)
        self.line = line
        self.texts: list[str] = []
        self.children: dict[str, Any] = {}
        self._address = attributes.get("href") or attributes.get("url")
        self._prefixed: set[str] = set()

    @property
    def value(self) -> Any:
        """Its children, its text, or the address in its attributes."""
        return self.children or "".join(self.texts).strip() or self._address

    def add(self, child: "_Element") -> None:
        """Add a child: repeated ones are a list; `g:title` replaces `title`."""
        name, value = child.name, child.value
        if name in self._prefixed and not child.is_prefixed:
            return
        is_first = child.is_prefixed and name not in self._prefixed
        if child.is_prefixed:
            self._prefixed.add(name)
        if name not in self.children or is_first:
            self.children[name] = value
        elif isinstance(self.children[name], list):
            self.children[name].append(value)
        else:
            self.children[name] = [self.children[name], value]

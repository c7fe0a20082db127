"""Read delimited text whose header is that of a catalogue: CSV, tab-separated, with semicolons."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any

from feature_repo.events.catalogues import Catalogue, Row, catalogue_of
from feature_repo.events.readers.refused import RefusedRows
from feature_repo.home import EventError

DELIMITERS = ",;\t|"
LONGEST_CELL = 1 << 20
"""Characters of a cell."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEADER_BYTES = 1 << 16
_AS_UTF8 = "Aisle reads it as Windows-1252; save the file as UTF-8."


class Table:
    """A delimited file.

    Attributes:
        catalogue: the format of its rows.
        refused: rows that cannot be read.
    """

    def __init__(
        self, stream: Callable[[], IO[bytes]], catalogue: Catalogue, encoding: str, delimiter: str
    ) -> None:
        self.catalogue = catalogue
        self.refused = RefusedRows()
        self._stream = stream
        self._encoding = encoding
        self._delimiter = delimiter

    def rows(self) -> Iterator[Row]:
        """Yield the rows by the names of their columns; `refused` gets those of another width."""
        self.refused.take()
        csv.field_size_limit(LONGEST_CELL)
        text = io.TextIOWrapper(
            self._stream(), self._encoding, errors="surrogateescape", newline=""
        )
        try:
            yield from self._rows(csv.reader(_without_declaration(text), delimiter=self._delimiter))
        finally:
            if not text.closed:
                text.detach()

    def _rows(self, reader: Any) -> Iterator[Row]:
        header = unique(next(reader, []))
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.refused.add(number, EventError("line", "a readable line", error))
            except (OSError, EOFError, zlib.error, UnicodeError) as error:
                damage = EventError("file", "a whole file", f"damage from here on: {error}")
                self.refused.add(number, damage)
                return
            else:
                if any(cell.strip() for cell in cells):
                    yield from self._row(number, header, cells)

    def _row(self, number: int, header: Sequence[str], cells: list[str]) -> Iterator[Row]:
        if len(cells) > len(header) and not any(cells[len(header) :]):
            del cells[len(header) :]
        if len(cells) != len(header):
            error = EventError("line", f"{len(header)} cells", len(cells))
            self.refused.add(number, error, self._delimiter.join(cells))
            return
        decoded = [_decoded(cell) for cell in cells]
        warning = None
        if decoded != cells:
            changed = next(n for n, cell in enumerate(cells) if cell != decoded[n])
            warning = EventError(header[changed], "a text in UTF-8", decoded[changed], _AS_UTF8)
        yield Row(number, dict(zip(header, decoded, strict=True)), warning)


def open_table(stream: Callable[[], IO[bytes]]) -> Table | None:
    """Return a file as a table; None if its first line is no header of a catalogue."""
    beginning = stream().read(_HEADER_BYTES)
    encoding = "utf-16" if beginning.startswith(_UTF16) else "utf-8-sig"
    lines = [*_without_declaration(io.StringIO(_text(beginning, encoding), newline=""))]
    for delimiter in DELIMITERS:
        header = next(csv.reader(lines, delimiter=delimiter), [])
        catalogue = catalogue_of(dict.fromkeys(unique(header), ""))
        if catalogue is not None:
            return Table(stream, catalogue, encoding, delimiter)
    return None


def _text(content: bytes, encoding: str) -> str:
    return content.decode(encoding, errors="replace")


def unique(header: Sequence[str]) -> list[str]:
    """Return names of columns that are neither empty nor equal.

    >>> unique(["sku", "", "sku"])
    ['sku', 'column 2', 'sku (3)']
    """
    names: list[str] = []
    for n, name in enumerate(header, 1):
        written = name.strip() or f"column {n}"
        names.append(written if written not in names else f"{written} ({n})")
    return names


def _without_declaration(lines: Iterable[str]) -> Iterator[str]:
    """Skip a first line `sep=;`, which tells Excel the delimiter."""
    iterator = iter(lines)
    first = list(islice(iterator, 1))
    if first and not first[0].startswith("sep="):
        yield first[0]
    yield from iterator


def _decoded(cell: str) -> str:
    """Return a cell of bytes that are not UTF-8 as Windows-1252, which old programs write."""
    if cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell):
        return cell
    return cell.encode("utf-8", "surrogateescape").decode("cp1252", errors="replace")

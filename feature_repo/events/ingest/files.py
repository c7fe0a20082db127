"""Read event files line by line: JSON lines, JSON, Parquet, and the exports of catalogues.

The first bytes decide the format of a file; its name only decides whether a folder's file is read.
Any of them may be gzipped.  An export of a catalogue (`readers/`) has a line for each row.
No content is skipped: unreadable content becomes a line with the reason.
"""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, cast

import msgspec

from feature_repo.events.catalogues import Row, SourceFile
from feature_repo.events.contract import BYTE_ORDER_MARK, AnyEvent, decode_json
from feature_repo.events.dialects import parse_events, sent_objects
from feature_repo.events.ingest.formats import check_format, line_hint, without_mark
from feature_repo.events.ingest.parquet import PARQUET_MAGIC, read_rows
from feature_repo.events.quality import Finding, finding_of
from feature_repo.events.readers import Source, open_source
from feature_repo.home import EventError, LogError

_PLAIN_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonld", ".csv", ".tsv", ".xml")
SUFFIXES = (*_PLAIN_SUFFIXES, *(f"{suffix}.gz" for suffix in _PLAIN_SUFFIXES), ".parquet")
_WHOLE = (".json", ".jsonld")
"""Endings of files that may be one object of several lines."""

LONGEST_LINE = 1 << 20
LONGEST_ARRAY = 1 << 28
"""Maximum bytes of a file with one JSON array, which is decoded as a whole."""

_BLOCK_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_UNREADABLE = (OSError, EOFError, zlib.error)


class Line(msgspec.Struct, gc=False):
    """One object of a file, before parsing.

    Attributes:
        file: path as given.
        number: number of the line, row or array element, from 1.
        raw: the object; None if it could not be read, or was not yet.
        error: why it could not be read.
        content: its bytes, if the file is text.
        warnings: what its reader changed.
        dialect: of its file, if that decides it.
    """

    file: str
    number: int
    raw: object = None
    error: EventError | None = None
    content: bytes = b""
    warnings: Sequence[Finding] = ()
    dialect: str | None = None

    def events(self) -> Sequence[AnyEvent]:
        """Return the events of the decoded line.

        Raises:
            EventError: it cannot be read, or is no event.
        """
        if self.error is not None:
            raise self.error
        return parse_events(self.raw, self.dialect)

    def decoded(self) -> "Line":
        """Return the line with its object, or with the reason why it has none."""
        if self.content and self.raw is None and self.error is None:
            try:
                self.raw = decode_json(without_mark(self.content), "line")
            except EventError as error:
                error.hint = line_hint(self.content)
                self.error = error
        return self

    @property
    def text(self) -> bytes:
        """The line as text, for the quarantine."""
        try:
            return self.content or msgspec.json.encode(self.raw, enc_hook=str)
        except RecursionError:
            return b"(too deeply nested)"


class Block(msgspec.Struct, gc=False):
    """Consecutive lines of a text file, not yet decoded.

    Attributes:
        file: path as given.
        number: number of the first line, from 1.
        text: the lines; only the last one of a file may lack its newline.
    """

    file: str
    number: int
    text: bytes

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are not blank."""
        for number, content in enumerate(io.BytesIO(self.text), self.number):
            if not content.isspace():
                yield _line(self.file, number, content)

    def line(self, position: int) -> Line:
        """Return a line, given its position from 0; no line before it is blank."""
        content = next(islice(io.BytesIO(self.text), position, None))
        return _line(self.file, self.number + position, content)


class EventFiles:
    """The lines of several files, in order, and the progress of reading them."""

    suffixes: tuple[str, ...] = SUFFIXES

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = [file for path in paths for file in _expand(path, self.suffixes)]
        self.total = sum(path.stat().st_size for path in self.paths)
        self._finished = 0
        self._open: IO[bytes] | None = None

    @property
    def done(self) -> int:
        """Bytes read so far; at most `total`."""
        inside = 0 if self._open is None or self._open.closed else self._open.tell()
        return min(self._finished + inside, self.total)

    def __iter__(self) -> Iterator[Line]:
        for part in self.undecoded():
            lines = part.lines() if isinstance(part, Block) else [part]
            yield from map(Line.decoded, lines)

    def undecoded(self) -> Iterator[Line | Block]:
        """Yield the lines; those of text files as blocks, which are not decoded."""
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    self._open = file
                    yield from self.read(path, file)
            except _UNREADABLE as error:
                yield Line(str(path), 0, error=EventError("file", "a readable file", error))
            self._open = None
            self._finished += path.stat().st_size

    def read(self, path: Path, file: IO[bytes]) -> Iterator[Line | Block]:
        """Yield the lines of one file."""
        source = _source(file)
        return _read(path, file) if source is None else self._rows(path, source)

    def _rows(self, path: Path, source: Source) -> Iterator[Line]:
        """Yield the rows of an export, and those that cannot be read."""
        name, catalogue = str(path), source.catalogue
        if catalogue is not None:
            about = SourceFile(instant_of_file(path), lambda other: self._others(path, other))
            for number, raw, warning in catalogue.rows(source.rows, about):
                yield from _refused(name, source)
                findings = () if warning is None else (finding_of(warning, raw),)
                yield Line(name, number, raw, warnings=findings, dialect=catalogue.name)
        refused = [*_refused(name, source)]
        if catalogue is None and not refused:
            error = EventError("file", "products of a format of docs/catalogues.md", "none")
            refused = [Line(name, 0, error=error)]
        yield from refused

    def _others(self, path: Path, format_name: str) -> Iterator[Row]:
        """Yield the rows of the other files in a format."""
        for other in self.paths:
            if other == path:
                continue
            with other.open("rb") as file:
                source = _source(file)
                catalogue = None if source is None else source.catalogue
                if source is not None and catalogue is not None and catalogue.name == format_name:
                    yield from source.rows()


def _expand(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and not file.name.startswith(".") and file.name.endswith(suffixes)
        )
        if not files:
            raise LogError(
                f"{path}: expected files named {', '.join(suffixes)}, found none. Rename the files "
                "or give their paths."
            )
        return files
    if not path.is_file():
        raise LogError(
            f"{path}: expected a file or folder of events, found neither. Check the path."
        )
    return [path]


def instant_of_file(path: Path) -> int:
    """Return when a file was last written, µs; a catalogue without times has this one."""
    return path.stat().st_mtime_ns // 1_000


def _source(file: IO[bytes]) -> Source | None:
    """Return a file as an export of a catalogue; None if it is none, or begins with damage."""
    magic = file.read(4)
    if magic == PARQUET_MAGIC:
        return None
    try:
        return open_source(lambda: unzipped(file, magic))
    except _UNREADABLE:
        return None


def _refused(name: str, source: Source) -> Iterator[Line]:
    """Yield the rows that could not be read since the last call."""
    for row in source.refused.take():
        yield Line(name, row.number, error=row.error, content=row.text.encode())


def _read(path: Path, file: IO[bytes]) -> Iterator[Line | Block]:
    file.seek(0)
    magic = file.read(4)
    if magic == PARQUET_MAGIC:
        for number, raw, error in read_rows(file):
            yield Line(str(path), number, raw, error)
        return
    if not magic and path.suffix == ".parquet":
        yield Line(str(path), 0, error=EventError("file", "Parquet", "an empty file"))
        return
    try:
        check_format(_beginning(file, magic))
    except EventError as error:
        yield Line(str(path), 0, error=error)
        return
    elements = _elements(unzipped(file, magic), path.name.removesuffix(".gz").endswith(_WHOLE))
    if elements is None:
        yield from _blocks(str(path), unzipped(file, magic))
        return
    for number, element in enumerate(elements, 1):
        yield Line(str(path), number, element)


def damaged(error: Exception) -> EventError:
    """Return the error of a file that cannot be read from a line on."""
    return EventError("file", "a whole file", f"damage from here on: {error}")


def unzipped(file: IO[bytes], magic: bytes) -> IO[bytes]:
    """Return the file from its first byte, unzipped."""
    file.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if magic[:2] == _GZIP_MAGIC else file


def _beginning(file: IO[bytes], magic: bytes) -> bytes:
    """Return the first bytes of a file, unzipped; none if it is damaged there."""
    try:
        return unzipped(file, magic).read(8)
    except _UNREADABLE:
        return b""


def _elements(stream: IO[bytes], named_json: bool) -> list[object] | None:
    """Return the elements of a file that is one JSON value; None if it contains lines."""
    try:
        beginning = stream.read(1024).removeprefix(BYTE_ORDER_MARK)
        if not beginning.lstrip().startswith((b"[", b"{") if named_json else b"["):
            return None
        value = decode_json(beginning + stream.read(LONGEST_ARRAY))
    except (*_UNREADABLE, EventError):
        return None
    values = value if isinstance(value, list) else [value]
    return [each.raw for element in values for each in sent_objects(element)]


def _blocks(name: str, stream: IO[bytes]) -> Iterator[Line | Block]:
    number, rest = 1, b""
    try:
        contents = _contents(stream)
        for content in contents:
            text, newline, rest = (rest + content).rpartition(b"\n")
            if newline:
                yield Block(name, number, text + newline)
                number += text.count(b"\n") + 1
            if len(rest) > LONGEST_LINE:
                yield _line(name, number, rest)
                number, rest = number + 1, _after_line(contents)
        if rest:
            yield Block(name, number, rest)
    except _UNREADABLE as error:
        yield Line(name, number, error=damaged(error))


def _contents(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the content after a byte order mark as it comes: damage hides nothing before it."""
    yield stream.read(len(BYTE_ORDER_MARK)).removeprefix(BYTE_ORDER_MARK)
    while content := cast(io.BufferedReader, stream).read1(_BLOCK_BYTES):
        yield content


def _after_line(contents: Iterator[bytes]) -> bytes:
    """Skip the rest of a line; return what was read of the next."""
    for content in contents:
        _, newline, rest = content.partition(b"\n")
        if newline:
            return rest
    return b""


def _line(name: str, number: int, content: bytes) -> Line:
    if len(content) > LONGEST_LINE:
        long = EventError("line", f"at most {LONGEST_LINE} bytes", "more")
        return Line(name, number, error=long, content=content[: LONGEST_LINE + 1])
    return Line(name, number, content=content)

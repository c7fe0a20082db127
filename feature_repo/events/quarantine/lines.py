"""The stored lines of `log/quarantine`: read, find and remove them.

A removed line is overwritten with spaces, because a process may append to its file meanwhile; a
file without lines is removed.
"""

import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feature_repo.events.log import QuarantineEntry
from feature_repo.home import DAY, SECOND, LogError

_decode = msgspec.json.Decoder(QuarantineEntry).decode


@dataclass(frozen=True)
class StoredEntry:
    """An entry and where it is.

    Attributes:
        id: `<file>:<line>`, which does not change.
        at: when its file was last written, seconds since 1970.
    """

    id: str
    at: float
    entry: QuarantineEntry


def read_entries(folder: Path) -> Iterator[StoredEntry]:
    """Yield every entry, the files written last first; a damaged line is an entry with its text."""
    files = [(path.stat().st_mtime, path) for path in folder.glob("*.jsonl")]
    for at, path in sorted(files, reverse=True):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if line.strip():
                yield StoredEntry(f"{path.stem}:{number}", at, _entry(line))


def find_entry(folder: Path, id_: str) -> StoredEntry:
    """Return one entry.

    Raises:
        LogError: there is none with this id.
    """
    for stored in read_entries(folder):
        if stored.id == id_:
            return stored
    raise LogError(f"expected an id that `aisle quarantine list` prints, found {id_!r}.")


def remove_entries(folder: Path, ids: Iterable[str]) -> None:
    """Remove entries, durably."""
    by_file: dict[str, set[int]] = {}
    for id_ in ids:
        stem, _, number = id_.rpartition(":")
        by_file.setdefault(stem, set()).add(int(number))
    for stem, numbers in by_file.items():
        _blank(folder / f"{stem}.jsonl", numbers)


def erase_entries(folder: Path, ids: Collection[str]) -> int:
    """Remove the entries that name one of some users or sessions; return how many."""
    if not ids:
        return 0
    texts = {text for id_ in ids for text in (id_, _escaped(id_, False), _escaped(id_, True))}
    named = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(texts)))})(?![\w-])")
    naming = [
        stored.id
        for stored in read_entries(folder)
        if named.search(f"{stored.entry.reason} {stored.entry.text}")
    ]
    remove_entries(folder, naming)
    return len(naming)


def _escaped(text: str, is_ascii: bool) -> str:
    """Return a text as JSON writes it, without the quotes."""
    return json.dumps(text, ensure_ascii=is_ascii)[1:-1]


def prune_entries(folder: Path, days: float) -> int:
    """Remove the files that were last written so many days ago; return how many."""
    old = time.time() - days * DAY / SECOND
    files = [path for path in folder.glob("*.jsonl") if path.stat().st_mtime < old]
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def _entry(line: bytes) -> QuarantineEntry:
    try:
        return _decode(line)
    except msgspec.MsgspecError as error:
        return QuarantineEntry("", 0, f"the entry is damaged: {error}", repr(line), is_cut=True)


def _blank(path: Path, numbers: set[int]) -> None:
    with path.open("r+b") as file:
        lines, position = file.readlines(), 0
        for number, line in enumerate(lines, start=1):
            if number in numbers:
                file.seek(position)
                file.write(b" " * (len(line) - 1))
            position += len(line)
        file.flush()
        os.fsync(file.fileno())
    if not path.read_bytes().strip():
        path.unlink()

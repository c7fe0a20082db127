"""Quarantine: lines that could not be logged, stored with the reason, so that no input is lost.

A process appends to its own files.  The folder has a limit: beyond it the oldest files are removed.
Events that were logged and set aside later are in the folder beside it, a file of each, named after
the digest of its id: every reader of ids counts them as logged before.
"""

import fcntl
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec

from feature_repo.home import sync_folder

LONGEST_CONTENT = 1 << 20
"""Bytes of a line, in the log and here; a longer one is cut."""

FILE_BYTES = 16 << 20
"""Bytes after which a process starts another file."""

FOLDER_BYTES = 256 << 20
"""Bytes of all files together."""

MOST_FILES = 10_000

_logger = logging.getLogger(__name__)


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A quarantined line as it is stored.

    Attributes:
        file: path of its file.
        line: number of the line, row or element, from 1; 0 for the whole file.
        reason: one sentence.
        text: its content, or a JSON array of the contents of several.
        count: number of lines.
        is_cut: whether the end of the text is missing.
    """

    file: str
    line: int
    reason: str
    text: str = ""
    count: int = 1
    is_cut: bool = False


class Quarantine:
    """Appends to files of `log/quarantine`, created when a line is added. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    def add(self, file: str, line: int, reason: str, content: bytes, *, count: int = 1) -> None:
        """Add a line, or a JSON array of `count` lines; a long one is cut."""
        text = content[:LONGEST_CONTENT].rstrip(b"\r\n").decode(errors="replace")
        entry = Entry(file, line, reason, text, count, is_cut=len(content) > LONGEST_CONTENT)
        with self._lock:
            self._open().write(msgspec.json.encode(entry) + b"\n")

    def sync(self) -> None:
        """Make the added lines durable."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file. Garbage collection closes it too."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> BinaryIO:
        """Return the file, or a new one after it grew large or was removed."""
        if self._file is not None:
            is_removed = os.fstat(self._file.fileno()).st_nlink == 0
            if not is_removed and self._file.tell() < FILE_BYTES:
                return self._file
            self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        limit_size(self._folder)
        path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._file = path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_SH)  # `aisle gc` leaves a file that is written.
        sync_folder(self._folder)
        return self._file


def limit_size(folder: Path, most_bytes: int = FOLDER_BYTES) -> int:
    """Remove the oldest files while all together are too large; return how many."""
    files = sorted(
        ((path.stat().st_mtime_ns, path.stat().st_size, path) for path in folder.glob("*.jsonl")),
        reverse=True,
    )
    total, removed = 0, 0
    for number, (_, size, path) in enumerate(files, start=1):
        total += size
        if total > most_bytes or number > MOST_FILES:
            path.unlink(missing_ok=True)
            removed += 1
    if removed:
        _logger.warning(
            "%d of the oldest files of %s were removed: it has at most %d bytes. Look at them "
            "earlier with `aisle quarantine list`.",
            removed,
            folder,
            most_bytes,
        )
    return removed


def set_aside_path(log: Path, key: bytes) -> Path:
    """Return the file of an event that is set aside, given the digest of its id."""
    return log / "set_aside" / f"{key.hex()}.json"


def set_aside_digests(log: Path) -> set[bytes]:
    """Return the digests of the ids of the events that are set aside."""
    try:
        names = os.listdir(log / "set_aside")  # noqa: PTH208 -- a listing, not its paths
    except FileNotFoundError:
        return set()
    return {bytes.fromhex(name.removesuffix(".json")) for name in names if name[0] != "."}

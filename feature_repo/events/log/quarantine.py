"""Quarantine: lines that could not be logged, stored with the reason, so that no input is lost."""

import fcntl
import os
import secrets
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec

from feature_repo.home import sync_folder

LONGEST_EXCERPT = 4_096


class QuarantinedLine(msgspec.Struct, frozen=True):
    """One line that was read but not logged.

    Attributes:
        file: path of its file.
        line: number of the line, row or element, from 1; 0 for the whole file.
        reason: one sentence.
    """

    file: str
    line: int
    reason: str


class Quarantine:
    """One file of `log/quarantine`, created by the first line added. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    def add(self, file: str, line: int, reason: str, content: bytes) -> None:
        """Add one line; a long one is cut."""
        text = content[:LONGEST_EXCERPT].decode(errors="replace")
        entry = {"file": file, "line": line, "reason": reason, "text": text}
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
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
            fcntl.flock(self._file, fcntl.LOCK_SH)  # `aisle gc` leaves a file that is written.
            sync_folder(self._path.parent)
        return self._file

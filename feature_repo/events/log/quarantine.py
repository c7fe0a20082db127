"""Quarantine: what could not be taken, kept with the reason, so that nothing sent is lost."""

import os
import secrets
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec

from feature_repo.home import sync_folder

LONGEST_EXCERPT = 4_096


class QuarantinedLine(msgspec.Struct, frozen=True):
    """One thing that was read and not taken.

    Attributes:
        file: where it stood.
        line: line (row, element) number from 1; 0 where the file as a whole is meant.
        reason: one sentence.
    """

    file: str
    line: int
    reason: str


class Quarantine:
    """One file of `log/quarantine`, begun with the first thing set aside.  Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    def add(self, file: str, line: int, reason: str, content: bytes) -> None:
        """Set one line aside; of a long one the beginning."""
        text = content[:LONGEST_EXCERPT].decode(errors="replace")
        entry = {"file": file, "line": line, "reason": reason, "text": text}
        with self._lock:
            self._open().write(msgspec.json.encode(entry) + b"\n")

    def sync(self) -> None:
        """Make what was set aside durable."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file.  A dropped quarantine closes it too."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> BinaryIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
            sync_folder(self._path.parent)
        return self._file

"""Quarantine: what could not be taken, kept with the reason, so that nothing sent is lost."""

import os
import secrets
from pathlib import Path
from typing import BinaryIO

import msgspec

from feature_repo.events.durable import TEMPORARY, publish

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
    """One file of `log/quarantine`, which appears when something was added and it is kept."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._temporary = self._path.with_suffix(TEMPORARY)
        self._file: BinaryIO | None = None

    def add(self, file: str, line: int, reason: str, content: bytes) -> None:
        """Set one line aside; of a long one the beginning."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("wb")
        text = content[:LONGEST_EXCERPT].decode(errors="replace")
        entry = {"file": file, "line": line, "reason": reason, "text": text}
        self._file.write(msgspec.json.encode(entry) + b"\n")

    def keep(self) -> None:
        """Make what was added durable."""
        if self._file is not None:
            self._file.close()
            publish(self._temporary, self._path)
        self._file = None

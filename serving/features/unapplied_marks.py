"""Marks of processes whose acknowledged events the online features lack, seen by every process.

A process that cannot apply an acknowledged event makes a file in a folder of the home, and removes
it after a replay.  Other processes of the shop, whose Redis connection may already be good again,
see it and say that events are missing.  The file of a killed process stays until another one has
replayed the log.
"""

import fcntl
import os
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_UNLOCKED = "."
"""First character of a file that its process has not locked yet; it is no mark."""


@dataclass
class UnappliedMarks:
    """The marks of one home.  Threads may share it.

    Attributes:
        folder: of the marks; the first mark makes it.
    """

    folder: Path
    _own: Path | None = None
    _descriptor: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self) -> None:
        """Mark this process, once.

        Raises:
            OSError: the home cannot be written.
        """
        with self._lock:
            if self._own is not None:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            name = uuid.uuid4().hex
            unlocked = self.folder / f"{_UNLOCKED}{name}"
            self._descriptor = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._own = unlocked.rename(self.folder / name)

    def remove(self) -> None:
        """Remove the mark of this process."""
        with self._lock:
            if self._own is not None:
                self._own.unlink(missing_ok=True)
                os.close(self._descriptor)
                self._own = None

    def exist(self) -> bool:
        """Return whether a process is marked, this one included."""
        return bool(self._names())

    def of_ended_processes(self) -> list[Path]:
        """Return the marks of processes that have ended: nobody locks them."""
        return [mark for name in self._names() if not _is_locked(mark := self.folder / name)]

    @staticmethod
    def drop(marks: Iterable[Path]) -> None:
        """Remove marks of ended processes, whose events have been replayed."""
        for mark in marks:
            mark.unlink(missing_ok=True)

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 -- every request calls it
        except FileNotFoundError:
            return []
        return [name for name in names if not name.startswith(_UNLOCKED)]


def _is_locked(mark: Path) -> bool:
    try:
        descriptor = os.open(mark, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

"""Where an ingest puts its events: into a file that becomes a segment, or behind the live ones."""

import secrets
import sys
from collections.abc import Sequence
from typing import BinaryIO, Protocol, Self

import msgspec

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log import EventLog, encode_event
from feature_repo.home import TEMPORARY


class Sink(Protocol):
    """Takes events; `commit` makes them part of the log and returns the seal that follows."""

    def write(self, events: Sequence[AnyEvent]) -> None:
        """Take some events."""

    def commit(self) -> int | None:
        """Make all of them part of the log; None where nothing was sealed."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *error: object) -> None:
        """Leave nothing behind that was not committed."""


class Staged:
    """All or nothing: a file beside the log that becomes a segment of it when it is whole."""

    def __init__(self, log: EventLog, *, backfill: bool) -> None:
        self._log = log
        self._backfill = backfill
        self._path = log.folder / "staging" / f"{secrets.token_hex(8)}{TEMPORARY}"
        self._earliest = sys.maxsize

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, events: Sequence[AnyEvent]) -> None:
        """Write some events."""
        self._file.writelines(encode_event(event) + b"\n" for event in events)
        for event in events:
            self._earliest = min(self._earliest, event.received_at)

    def commit(self) -> int | None:
        """Move the file into the log and seal it."""
        self._file.close()
        if self._path.stat().st_size:
            return self._log.adopt(self._path, self._earliest, backfill=self._backfill)
        return self._log.seal() if self._log.has_open_segments else None


class Appended:
    """As if they came in just now: through a writer of the log, chunk by chunk."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._writer = log.writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, events: Sequence[AnyEvent]) -> None:
        """Append some events, received now."""
        self._writer.append([msgspec.structs.replace(event, received_at=0) for event in events])

    def commit(self) -> int | None:
        """Seal the log."""
        return self._log.seal() if self._log.has_open_segments else None


class Nowhere:
    """A dry run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, events: Sequence[AnyEvent]) -> None:
        """Forget the events."""

    def commit(self) -> int | None:
        """Do nothing."""
        return None

"""Sinks of an ingest: a file that becomes a segment, the live segments, or nothing."""

import secrets
import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import BinaryIO, Protocol, Self

import msgspec

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log import EventLog, Survey, encode_events
from feature_repo.home import TEMPORARY


class Sink(Protocol):
    """Receives the events of an ingest."""

    def write(self, events: Sequence[AnyEvent], keys: Sequence[bytes], /) -> None:
        """Write some events, given the digests of their ids."""

    def commit(self) -> int | None:
        """Add all events to the log, and seal; return the seal, or None if nothing was sealed."""

    def __enter__(self) -> Self:
        """Open the sink."""

    def __exit__(self, *error: object) -> None:
        """Discard uncommitted events."""


class Staged:
    """Writes a temporary file that `commit` makes a segment of the log: all events or none."""

    def __init__(self, log: EventLog, *, backfill: bool) -> None:
        self._log = log
        self._backfill = backfill
        self._path = log.folder / "staging" / f"{secrets.token_hex(8)}{TEMPORARY}"
        self._earliest = sys.maxsize
        self._survey = Survey()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, events: Sequence[AnyEvent], keys: Sequence[bytes]) -> None:
        """Write some events, given the digests of their ids."""
        lines = encode_events(events)
        self._survey.add(events, keys, lines)
        self._file.write(lines)
        self._earliest = min(self._earliest, *map(attrgetter("received_at"), events))

    def commit(self) -> int | None:
        """Move the file into the log and seal it."""
        self._file.close()
        if self._path.stat().st_size:
            return self._log.adopt(
                self._path, self._earliest, backfill=self._backfill, survey=self._survey
            )
        return self._log.seal() if self._log.has_open_segments else None


class Appended:
    """Appends to the live segments, as if the events were received now."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._writer = log.writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, events: Sequence[AnyEvent], _keys: Sequence[bytes]) -> None:
        """Append some events; `received_at` becomes now."""
        self._writer.append([msgspec.structs.replace(event, received_at=0) for event in events])

    def commit(self) -> int | None:
        """Seal the log."""
        return self._log.seal() if self._log.has_open_segments else None


class DryRun:
    """Discards events."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, events: Sequence[AnyEvent], _keys: Sequence[bytes]) -> None:
        """Discard the events."""

    def commit(self) -> int | None:
        """Do nothing."""
        return None

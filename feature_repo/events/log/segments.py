"""Segments: the append-only form of the log, JSON lines, one writer per file.

A segment is named after the log's version when it was opened: `<version>-<pid>-<random>.jsonl`. A
writer appends under the shared lock, and only while that version is current, so a segment of an
earlier version never changes. A line without its newline was cut by a crash before it was
acknowledged; readers ignore it.
"""

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import msgspec

from feature_repo.events.contract import AnyEvent
from feature_repo.events.log.seals import Seals, read_seals
from feature_repo.home import Clock, Home, LogError, locked, sync_folder, to_text

encode_event = msgspec.json.Encoder().encode
encode_events = msgspec.json.Encoder().encode_lines
"""Encodes events as lines, the last one with its newline too."""
_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
decode_event = _DECODER.decode
decode_events = _DECODER.decode_lines
"""Decodes lines, which need not be divided where events are: count the events."""


def new_segment(folder: Path, version: int) -> Path:
    """Return a path for a new segment, unique among all processes."""
    return folder / f"{version:08d}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"


def version_of(segment: Path) -> int:
    """Return the log's version when the segment was opened."""
    return int(segment.name.split("-", 1)[0])


def list_segments(folder: Path) -> list[Path]:
    """Return all segments, oldest version first."""
    return sorted(folder.glob("[0-9]*-*.jsonl"))


_READ_BYTES = 1 << 18
"""Size of the read buffer: a logged answer may have hundreds of kilobytes."""


def read_lines(segment: Path, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the complete lines from `offset` on, each with the offset of its first byte."""
    with segment.open("rb", buffering=_READ_BYTES) as file:
        file.seek(offset)
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)


@dataclass
class _Batch:
    """Events of one `append`, and its outcome."""

    events: Sequence[AnyEvent]
    durable: bool
    stamped: list[AnyEvent] = field(default_factory=list)
    failure: LogError | None = None
    done: bool = False


class SegmentWriter:
    """Appends events to its own segments. Thread-safe; concurrent appends share one fsync."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._waiting: list[_Batch] = []
        self._queue = threading.Lock()
        self._commit = threading.Lock()
        self._file: FileIO | None = None
        self._version = -1
        self._stamp = -1
        self._seals = Seals()
        self._seals_seen: tuple[int, int, int] | None = None

    def append(self, events: Sequence[AnyEvent], *, durable: bool = True) -> list[AnyEvent]:
        """Log events; afterwards they survive a power cut, or only a kill if not `durable`.

        Returns:
            The events as logged: a `received_at` of 0 becomes the current instant.

        Raises:
            LogError: the log cannot be written, or a `received_at` is at or before the last
            seal. Nothing was acknowledged, though some events may have been written. Any other
            exception of the thread that writes for several fails all of them.
        """
        batch = _Batch(events, durable)
        with self._queue:
            self._waiting.append(batch)
        with self._commit:
            if not batch.done:
                self._commit_waiting()
        if batch.failure is not None:
            raise batch.failure
        return batch.stamped

    def close(self) -> None:
        """Close the segment; a later append opens another. Garbage collection closes it too."""
        with self._commit:
            self._leave_segment()

    def __del__(self) -> None:
        self._leave_segment()

    def _commit_waiting(self) -> None:
        with self._queue:
            batches, self._waiting = self._waiting, []
        try:
            self._write(batches)
        except BaseException as error:
            # Whatever stopped the leader, the batches of other threads are not durable either.
            self._leave_segment()
            for batch in batches:
                batch.failure = LogError(_not_written(self._home.log, error))
            if not isinstance(error, OSError):
                raise
        finally:
            for batch in batches:
                batch.done = True

    def _write(self, batches: Sequence[_Batch]) -> None:
        with locked(self._home.log / "lock", shared=True):
            self._follow_seals()
            lines = b"".join(self._encode(batch) for batch in batches)
            self._clock.advance(self._stamp)
            if not lines:
                return
            file = self._file or self._open_segment()
            _write_all(file, lines)
        if any(batch.durable for batch in batches):
            os.fsync(file.fileno())

    def _encode(self, batch: _Batch) -> bytes:
        try:
            batch.stamped = [self._stamped(event) for event in batch.events]
            return b"".join(encode_event(event) + b"\n" for event in batch.stamped)
        except (ValueError, TypeError, LogError) as error:
            batch.failure = LogError(f"the events cannot be logged: {error}")
            return b""

    def _stamped(self, event: AnyEvent) -> AnyEvent:
        if event.received_at == 0:
            self._stamp = max(self._clock.now(), self._seals.last + 1)
            return msgspec.structs.replace(event, received_at=self._stamp)
        if event.received_at <= self._seals.last:
            raise LogError(
                f"{event.event_id}: expected received_at after the last seal, found "
                f"{to_text(event.received_at)}; leave received_at out"
            )
        return event

    def _follow_seals(self) -> None:
        path = self._home.log / "seals"
        try:
            status = path.stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        except FileNotFoundError:
            seen = (0, 0, 0)
        if seen != self._seals_seen:
            self._seals, self._seals_seen = read_seals(path), seen
            self._clock.advance(self._seals.last)
        if self._version != self._seals.version:
            self._leave_segment()

    def _open_segment(self) -> FileIO:
        folder = self._home.log / "segments"
        folder.mkdir(parents=True, exist_ok=True)
        self._version = self._seals.version
        self._file = FileIO(new_segment(folder, self._version), "ab")
        sync_folder(folder)
        return self._file

    def _leave_segment(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def _write_all(file: FileIO, lines: bytes) -> None:
    """Write all lines, or none if the disk fails: a partial line would damage the next one."""
    start = os.fstat(file.fileno()).st_size
    unwritten = memoryview(lines)
    try:
        while unwritten:
            unwritten = unwritten[file.write(unwritten) or 0 :]
    except BaseException:
        os.ftruncate(file.fileno(), start)
        raise


def _not_written(log: Path, error: BaseException) -> str:
    reason = error if isinstance(error, OSError) else f"{type(error).__name__} {error}".strip()
    return (
        f"{log} cannot be written: {reason}. Nothing was acknowledged; make room or set the "
        "permissions, and send again."
    )

"""Ingest: event files into the log.  Nothing is lost: read = accepted + duplicate + quarantined.

A file becomes one segment, which appears when the file is read to its end, and a seal follows.
Killed before, nothing has happened; killed after, the next run finds the events logged.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from feature_repo.events.contract import AnyEvent, ServedEvent, parse_event, validate_event
from feature_repo.events.ingest.files import EventFiles, Line
from feature_repo.events.ingest.report import IngestReport, Tally
from feature_repo.events.ingest.staging import Appended, Nowhere, Sink, Staged
from feature_repo.events.ingest.transaction_files import files_of
from feature_repo.events.ingest.transaction_mapping import TableMapping
from feature_repo.events.log import EventLog, Quarantine, QuarantinedLine, digest
from feature_repo.home import Clock, EventError, Home, locked, sweep

Mode = Literal["refuse", "backfill", "late"]
Progress = Callable[[int, int | None], None]
"""Called with bytes read and bytes in all."""

_CHUNK = 1_000


def ingest(
    paths: Sequence[Path],
    *,
    home: Home,
    clock: Clock,
    mode: Mode = "refuse",
    mapping: TableMapping | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Log the events of files and folders, seal, and compact.

    Args:
        paths: files and folders; see `files.py`.
        home: whose log takes them.
        clock: tells what lies in the future.
        mode: what to do with new events that lie at or before the last seal: refuse the files,
            put the events into the past (`backfill`), or receive them now (`late`).
        mapping: of tables of transactions, where the files are such.
        progress: called now and then.

    Raises:
        LateFileError: refused; nothing was logged.
        LogError: a path leads nowhere, or the log cannot be written.
    """
    files = files_of(paths, mapping)
    log = EventLog(home, clock)
    with locked(home.log / "ingest.lock"):
        sweep(home.log / "staging")
        log.compact()
        sink: Sink = Appended(log) if mode == "late" else Staged(log, backfill=mode == "backfill")
        with sink:
            quarantine = Quarantine(home.log / "quarantine")
            report = _Intake(log, clock, sink, quarantine).run(files, progress)
            report.seal = sink.commit()
        log.compact()
    return report


def validate(
    paths: Sequence[Path],
    *,
    clock: Clock,
    home: Home | None = None,
    mapping: TableMapping | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Report what `ingest` would say, and log nothing; without a home, into an empty log."""
    log = None if home is None else EventLog(home, clock)
    return _Intake(log, clock, Nowhere(), None).run(files_of(paths, mapping), progress)


class _Intake:
    """Takes lines in, chunk by chunk: parse, validate, look for duplicates, hand on."""

    def __init__(
        self, log: EventLog | None, clock: Clock, sink: Sink, quarantine: Quarantine | None
    ) -> None:
        self._log = log
        self._now = clock.now()
        self._sink = sink
        self._quarantine = quarantine
        self._report = IngestReport()
        self._tally = Tally()
        self._seen = set() if log is None else log.unsealed_digests()
        self._last_seal = -1 if log is None else log.seals().last

    def run(self, files: EventFiles, progress: Progress | None) -> IngestReport:
        for chunk in _chunks(files):
            self._take(chunk)
            if progress is not None:
                progress(files.done, files.total)
        if self._quarantine is not None:
            self._quarantine.sync()
        self._tally.finish(self._report, self._logged_items)
        return self._report

    def _take(self, lines: Sequence[Line]) -> None:
        self._report.read += len(lines)
        events = [(line, event) for line in lines if (event := self._event(line)) is not None]
        keys = [digest(event.event_id) for _, event in events]
        known = set() if self._log is None else self._log.compacted_digests(keys)
        fresh = []
        for key, (line, event) in zip(keys, events, strict=True):
            if key in known or key in self._seen:
                self._report.duplicate += 1
                continue
            self._seen.add(key)
            self._tally.note(event, line.file)
            fresh.append(event)
        self._report.accepted += len(fresh)
        self._report.late += sum(event.received_at <= self._last_seal for event in fresh)
        self._sink.write(fresh)

    def _event(self, line: Line) -> AnyEvent | None:
        reason = line.reason
        if reason is None:
            try:
                event = validate_event(parse_event(line.raw), now=self._now, served=self._served)
                return self._received(event)
            except EventError as error:
                reason = str(error)
        self._report.quarantined.append(QuarantinedLine(line.file, line.number, reason))
        if self._quarantine is not None:
            self._quarantine.add(line.file, line.number, reason, line.text)
        return None

    def _received(self, event: AnyEvent) -> AnyEvent:
        if event.received_at:
            return event
        return msgspec.structs.replace(event, received_at=min(event.event_time, self._now))

    def _served(self, request_id: str) -> ServedEvent | None:
        return None if self._log is None else self._log.served(request_id)

    def _logged_items(self, item_ids: set[str]) -> set[str]:
        return set() if self._log is None else self._log.logged_items(item_ids)


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk

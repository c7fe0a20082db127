"""Ingest event files into the log. No line is lost: read = accepted + duplicate + quarantined.

All files of one ingest become one segment, which appears after the last line was read, and a seal.
An ingest that is killed earlier has no effect; if it is killed later, all events are logged.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ServedEvent,
    decode_exact,
    parse_events,
    validate_event,
)
from feature_repo.events.ingest.corrections import Corrections
from feature_repo.events.ingest.files import EventFiles, Line
from feature_repo.events.ingest.report import IngestReport, LineFinding, Tally
from feature_repo.events.ingest.staging import Appended, DryRun, Sink, Staged
from feature_repo.events.ingest.transaction_files import files_of
from feature_repo.events.ingest.transaction_mapping import TableMapping
from feature_repo.events.log import EventLog, Quarantine, digest, is_erasure
from feature_repo.events.quality import EventChecks, Finding, add_warnings, finding_of
from feature_repo.home import Clock, EventError, Home, locked, sweep

Mode = Literal["refuse", "backfill", "late"]
Progress = Callable[[int, int | None], None]
"""Called with the bytes read and the bytes of all files."""

_CHUNK = 1_000
_Read = tuple[Line, AnyEvent]


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

    Users whom the files erase are logged out of shared devices from now on.

    Args:
        paths: files and folders; see `files.py`.
        home: the home of the log.
        clock: determines which events are in the future.
        mode: what to do with new events at or before the last seal: refuse the files, put the
            events into the past (`backfill`), or receive them now (`late`).
        mapping: columns of the files, if they are tables of transactions.
        progress: called after every chunk of lines.

    Raises:
        LateFileError: the files were refused; nothing was logged.
        LogError: a path does not exist, or the log cannot be written.
    """
    files = files_of(paths, mapping)
    log = EventLog(home, clock)
    with locked(home.log / "ingest.lock"):
        sweep(home.log / "staging")
        log.compact()
        sink: Sink = Appended(log) if mode == "late" else Staged(log, backfill=mode == "backfill")
        with sink:
            quarantine = Quarantine(home.log / "quarantine")
            reader = _Ingest(log, EventChecks.of(home), clock, sink, quarantine)
            report = reader.run(files, progress)
            report.seal = sink.commit()
            add_warnings(home, report.warnings.rules, clock.now())
        with closing(log.writer()) as writer:
            writer.append(log.log_outs(reader.erasures))
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
    """Return the report that `ingest` would return, and log nothing.

    Without a home the log counts as empty, and no field is declared.
    """
    log = None if home is None or not home.log.exists() else EventLog(home, clock)
    reader = _Ingest(log, EventChecks.of(home), clock, DryRun(), None)
    return reader.run(files_of(paths, mapping), progress)


class _Ingest:
    """Reads lines chunk by chunk: parses, validates, drops duplicates and writes to the sink.

    Attributes:
        erasures: the accepted events that erase a user.
    """

    def __init__(
        self,
        log: EventLog | None,
        checks: EventChecks,
        clock: Clock,
        sink: Sink,
        quarantine: Quarantine | None,
    ) -> None:
        self._log = log
        self._checks = checks
        self._now = clock.now()
        self._sink = sink
        self._quarantine = quarantine
        self._report = IngestReport()
        self._tally = Tally()
        self._seen = set() if log is None else log.unsealed_digests()
        self._last_seal = -1 if log is None else log.seals().last
        self._corrections = Corrections(log, self._now if isinstance(sink, Appended) else 0)
        self.erasures: list[AnyEvent] = []

    def run(self, files: EventFiles, progress: Progress | None) -> IngestReport:
        for chunk in _chunks(files.undecoded()):
            self._take(chunk)
            if progress is not None:
                progress(files.done, files.total)
        self._accept(self._checked(self._corrections.waiting))
        if self._quarantine is not None:
            self._quarantine.sync()
        self._tally.finish(self._report, self._logged_items)
        return self._report

    def _take(self, lines: Sequence[Line]) -> None:
        events = self._read(lines)
        self._report.read += len(events)
        keys = [digest(event.event_id) for _, event in events]
        compacted = set() if self._log is None else self._log.compacted_digests(keys)
        seen, is_next, fresh = self._seen, self._corrections.is_next, []
        for key, entry in zip(keys, events, strict=True):
            if key in compacted or key in seen:
                self._report.duplicate += 1
                continue
            seen.add(key)
            if is_next(key, *entry):
                fresh.append(entry)
        self._accept(self._checked(fresh))

    def _read(self, lines: Sequence[Line]) -> list[_Read]:
        """Return the valid events of lines, each with its line; quarantine the other lines."""
        events: list[_Read] = []
        for line, exact in zip(lines, decode_exact([*map(_text, lines)]), strict=True):
            if exact is None:
                events += ((line, event) for event in self._events(line.decoded()))
                continue
            try:
                events.append((line, self._validated(exact, line)))
            except EventError as error:
                self._refuse(line.decoded(), error)
        return events

    def _checked(self, fresh: Iterable[_Read]) -> Iterator[_Read]:
        """Yield the events that change something; quarantine the other corrections."""
        for line, event in fresh:
            try:
                self._corrections.check(event)
            except EventError as error:
                self._reject(line, finding_of(error, line.decoded().raw))
                continue
            yield line, event

    def _accept(self, fresh: Iterable[_Read]) -> None:
        accepted = [*fresh]
        if not accepted:
            return
        self._tally.note(accepted)
        events = [event for _, event in accepted]
        self.erasures += filter(is_erasure, events)
        self._report.accepted += len(events)
        self._report.late += sum(event.received_at <= self._last_seal for event in events)
        self._sink.write(events)

    def _events(self, line: Line) -> Sequence[AnyEvent]:
        """Return the valid events of a decoded line, or quarantine the line."""
        try:
            if line.error is not None:
                raise line.error
            return [self._validated(event, line) for event in parse_events(line.raw)]
        except EventError as error:
            self._refuse(line, error)
        return ()

    def _refuse(self, line: Line, error: EventError) -> None:
        self._report.read += 1
        self._reject(line, finding_of(error, line.raw))

    def _reject(self, line: Line, finding: Finding) -> None:
        self._report.quarantined.add(_located(finding, line))
        if self._quarantine is not None:
            self._quarantine.add(line.file, line.number, finding.reason, line.text)

    def _validated(self, event: AnyEvent, line: Line) -> AnyEvent:
        valid = validate_event(
            event, now=self._now, served=self._served, interaction=self._interaction
        )
        checked, findings = self._checks.check(valid, line.raw)
        for finding in (*line.warnings, *findings):
            self._report.warnings.add(_located(finding, line))
        return self._received(checked)

    def _received(self, event: AnyEvent) -> AnyEvent:
        if event.received_at:
            return event
        return msgspec.structs.replace(event, received_at=min(event.event_time, self._now))

    def _served(self, request_id: str) -> ServedEvent | None:
        return None if self._log is None else self._log.served(request_id)

    def _interaction(self, event_id: str) -> InteractionEvent | None:
        return None if self._log is None else self._log.interaction(event_id)

    def _logged_items(self, item_ids: set[str]) -> set[str]:
        return set() if self._log is None else self._log.logged_items(item_ids)


def _text(line: Line) -> bytes:
    """Return a line's bytes; none if its reader decoded it, or could not."""
    return line.content if line.raw is None and line.error is None else b""


def _located(finding: Finding, line: Line) -> LineFinding:
    named = finding.field, finding.expected, finding.found, finding.hint
    return LineFinding(*named, file=line.file, line=line.number)


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk

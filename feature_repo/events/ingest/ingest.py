"""Ingest event files into the log. No line is lost: read = accepted + duplicate + quarantined.

All files of one ingest become one segment, which appears after the last line was read, and a seal.
An ingest that is killed earlier has no effect; if it is killed later, all events are logged.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from typing import Literal, cast

from feature_repo.events.catalogues import DatedStates
from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ServedEvent,
    are_valid,
    decode_block,
    decode_exact,
    received,
    validate_event,
)
from feature_repo.events.dialects import ListJoins, has_installed_dialects, sent_objects
from feature_repo.events.ingest.corrections import Corrections, LineOf
from feature_repo.events.ingest.files import Block, EventFiles, Line, instant_of_file
from feature_repo.events.ingest.report import IngestReport, LineFinding, Tally
from feature_repo.events.ingest.staging import Appended, DryRun, Sink, Staged
from feature_repo.events.ingest.transaction_files import files_of
from feature_repo.events.ingest.transaction_mapping import TableMapping
from feature_repo.events.log import EventLog, Quarantine, digest, erasures
from feature_repo.events.quality import EventChecks, Finding, add_warnings, finding_of
from feature_repo.home import Clock, EventError, Home, locked, sweep

Mode = Literal["refuse", "backfill", "late"]
Progress = Callable[[int, int | None], None]
"""Called with the bytes read and the bytes of all files."""

_CHUNK = 1_000
_EVENT_ID, _RECEIVED_AT = attrgetter("event_id"), attrgetter("received_at")
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

    The lines of a text file come in blocks.  A block is read at once if each line is written as the
    log writes events, and line by line otherwise: both ways have the same result.

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
        self._lists = ListJoins()
        self._parses_each = has_installed_dialects()
        self._seen = set() if log is None else log.unsealed_digests()
        self._last_seal = -1 if log is None else log.seals().last
        self._states = DatedStates(
            self._now, self._last_seal, dict if log is None else log.newest_item_events
        )
        self._corrections = Corrections(log, self._now if isinstance(sink, Appended) else 0)
        self._file_instants: dict[str, int] = {}
        self.erasures: list[AnyEvent] = []

    def run(self, files: EventFiles, progress: Progress | None) -> IngestReport:
        for chunk in _chunks(files.undecoded()):
            if not isinstance(chunk, Block):
                self._take(chunk)
            elif not self._take_block(chunk):
                for lines in _chunks(chunk.lines()):
                    self._take(cast("list[Line]", lines))
            if progress is not None:
                progress(files.done, files.total)
        waiting = self._corrections.waiting
        lines = [line for line, _ in waiting]
        for n, (line, event) in enumerate(waiting):
            if self._changes_something(event, lines.__getitem__, n):
                self._accept(line.file, [event], [digest(event.event_id)])
        if self._quarantine is not None:
            self._quarantine.sync()
        self._tally.finish(self._report, self._logged_items)
        return self._report

    def _take_block(self, block: Block) -> bool:
        """Read a block at once; return False, and read nothing, if it must be read by lines."""
        decoded = None if self._parses_each else decode_block(block.text)
        if decoded is None or not are_valid(decoded, self._now):
            return False
        try:
            events, findings = self._checks.check_all(decoded)
        except EventError:  # The shop is strict.
            return False
        for n, finding in findings:
            self._warn(finding, block.file, block.number + n)
        self._take_events(block.file, received(events, self._now), block.line)
        return True

    def _take(self, lines: Sequence[Line]) -> None:
        entries = self._read(lines)
        events = [event for _, event in entries]
        self._take_events(lines[0].file, events, lambda n: entries[n][0])

    def _take_events(self, file: str, events: Sequence[AnyEvent], line: LineOf) -> None:
        """Accept the valid events of a file that are no duplicates and change something.

        Args:
            line: returns the line of an event, given its position.
        """
        self._report.read += len(events)
        keys = [*map(digest, map(_EVENT_ID, events))]
        fresh = self._fresh(keys)
        self._report.duplicate += len(events) - len(fresh)
        self._seen.update(keys)
        following = self._corrections.following(keys, events, fresh, line)
        accepted = [n for n in following if self._changes_something(events[n], line, n)]
        self._accept(file, [events[n] for n in accepted], [keys[n] for n in accepted])

    def _fresh(self, keys: Sequence[bytes]) -> Sequence[int]:
        """Return the positions of the digests that come for the first time."""
        compacted = set() if self._log is None else self._log.compacted_digests(keys)
        seen = {*keys} & (self._seen | compacted if compacted else self._seen)
        if not seen and len({*keys}) == len(keys):
            return range(len(keys))
        positions = []
        for n, key in enumerate(keys):
            if key not in seen:
                seen.add(key)
                positions.append(n)
        return positions

    def _read(self, lines: Sequence[Line]) -> list[_Read]:
        """Return the valid events of lines, each with its line; quarantine the other lines."""
        events: list[_Read] = []
        texts = [*map(_text, lines)]
        decoded = [None] * len(lines) if self._parses_each else decode_exact(texts)
        for line, exact in zip(lines, decoded, strict=True):
            if exact is None:
                events += self._events(line.decoded())
                continue
            try:
                events.append((line, self._validated(exact, line)))
            except EventError as error:
                self._refuse(line.decoded(), error)
        return events

    def _changes_something(self, event: AnyEvent, line: LineOf, position: int) -> bool:
        """Return True, except for a correction that takes nothing back: quarantine it."""
        try:
            self._corrections.check(event)
        except EventError as error:
            of_event = line(position).decoded()
            self._reject(of_event, finding_of(error, of_event.raw))
            return False
        return True

    def _accept(self, file: str, events: Sequence[AnyEvent], keys: Sequence[bytes]) -> None:
        if not events:
            return
        self._tally.note(file, events)
        self.erasures += erasures(events)
        self._report.accepted += len(events)
        instants = [*map(_RECEIVED_AT, events)]
        if min(instants) <= self._last_seal:
            self._report.late += sum(instant <= self._last_seal for instant in instants)
        self._sink.write(events, keys)

    def _events(self, line: Line) -> Iterator[_Read]:
        """Yield the valid events of a decoded line, or quarantine the objects that are bad."""
        if line.error is not None:
            self._refuse(line, line.error)
            return
        each = sent_objects(line.raw, line.dialect)
        for one in each:
            of_object = line if len(each) == 1 else Line(line.file, line.number, one.raw)
            try:
                events = [
                    self._validated(self._lists.joined(self._dated(event, line)), of_object)
                    for event in one.parse()
                ]
            except EventError as error:
                self._refuse(of_object, error)
                continue
            if not events:
                self._report.add_without_event(one.label)
            yield from ((of_object, event) for event in events)

    def _dated(self, event: AnyEvent, line: Line) -> AnyEvent:
        if line.file not in self._file_instants:
            self._file_instants[line.file] = instant_of_file(Path(line.file))
        return self._states.dated(event, self._file_instants[line.file])

    def _refuse(self, line: Line, error: EventError) -> None:
        self._report.read += 1
        self._reject(line, finding_of(error, line.raw))

    def _reject(self, line: Line, finding: Finding) -> None:
        self._report.quarantined.add(_located(finding, line.file, line.number))
        if self._quarantine is not None:
            self._quarantine.add(line.file, line.number, finding.reason, line.text)

    def _validated(self, event: AnyEvent, line: Line) -> AnyEvent:
        valid = validate_event(
            event, now=self._now, served=self._served, interaction=self._interaction
        )
        checked, findings = self._checks.check(valid, line.raw)
        for finding in (*line.warnings, *findings):
            self._warn(finding, line.file, line.number)
        (event,) = received([checked], self._now)
        return event

    def _warn(self, finding: Finding, file: str, line: int) -> None:
        warnings = self._report.warnings
        if warnings.is_full:
            warnings.count_rule(finding.rule)
        else:
            warnings.add(_located(finding, file, line))

    def _served(self, request_id: str) -> ServedEvent | None:
        return None if self._log is None else self._log.served(request_id)

    def _interaction(self, event_id: str) -> InteractionEvent | None:
        return None if self._log is None else self._log.interaction(event_id)

    def _logged_items(self, item_ids: set[str]) -> set[str]:
        return set() if self._log is None else self._log.logged_items(item_ids)


def _text(line: Line) -> bytes:
    """Return a line's bytes; none if its reader decoded it, or could not."""
    return line.content if line.raw is None and line.error is None else b""


def _located(finding: Finding, file: str, line: int) -> LineFinding:
    named = finding.field, finding.expected, finding.found, finding.hint
    return LineFinding(*named, file=file, line=line)


def _chunks(parts: Iterable[Line | Block]) -> Iterator[Block | list[Line]]:
    """Yield blocks as they are, and other lines together, a file's at most."""
    chunk: list[Line] = []
    for part in parts:
        is_line = isinstance(part, Line)
        if chunk and not (is_line and len(chunk) < _CHUNK and part.file == chunk[0].file):
            yield chunk
            chunk = []
        if isinstance(part, Line):
            chunk.append(part)
        else:
            yield part
    if chunk:
        yield chunk

"""Ingestion of events: parse, validate, log, apply, and then acknowledge."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from feature_repo.events.catalogues import dated_now
from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ServedEvent,
    check_corrected,
    check_first_correction,
    split_body,
    validate_event,
)
from feature_repo.events.log import EventLog, Quarantine, SegmentWriter
from feature_repo.events.quality import (
    EventChecks,
    Finding,
    FindingList,
    add_warnings,
    finding_of,
)
from feature_repo.home import Clock, EventError, Home, LogError
from serving.contract import MAX_NAMED, EventFinding, EventsAnswer, QuarantinedEvent
from serving.features import OnlineFeatures
from serving.monitoring import EVENTS
from serving.recording.recent import RecentEntries

Parse = Callable[[object], Sequence[AnyEvent]]
Check = Callable[[AnyEvent], None]
RECENT_BYTES = 4 << 20
"""Bytes of the ids of the latest events, which the index of the log may lack."""

ID_BYTES = 200
"""Bytes of an id in memory, besides its characters."""


@dataclass
class _Batch:
    """The events of a body: valid ones by id, with their positions, and what is wrong."""

    raw_events: list[object]
    valid: dict[str, AnyEvent] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    duplicate: int = 0
    refused: list[EventFinding] = field(default_factory=list)
    quarantined: FindingList[EventFinding] = field(default_factory=FindingList)
    warnings: FindingList[EventFinding] = field(default_factory=FindingList)

    def quarantine(self, index: int, error: EventError) -> None:
        """Add an event that cannot be logged."""
        finding = _located(finding_of(error, self.raw_events[index]), index)
        self.refused.append(finding)
        self.quarantined.add(finding)


@dataclass
class EventIntake:
    """Writes events to the log and applies them to the online features.  Threads may share it.

    Attributes:
        checks: of the values of events.
        find_answer: looks up this shop's answer to a request.
        on_accepted: receives the accepted events.
    """

    home: Home
    log: EventLog
    writer: SegmentWriter
    online_features: OnlineFeatures
    clock: Clock
    checks: EventChecks
    find_answer: Callable[[str], ServedEvent | None]
    on_accepted: Callable[[Iterable[AnyEvent]], None]
    _recent_ids: RecentEntries[str, None] = field(
        default_factory=lambda: RecentEntries(RECENT_BYTES)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._quarantine = Quarantine(self.home.log / "quarantine")

    def ingest(self, body: bytes, parse: Parse, dialect: str, check: Check) -> EventsAnswer:
        """Ingest a body of events.

        Args:
            body: one object, an array, or JSON lines.
            parse: reads the events of one object.
            dialect: the endpoint's name, for the quarantine.
            check: raises an error for an event that the sender may not send; then no event of the
                body is logged.

        Raises:
            EventError: the body is not JSON.
            LogError: the log cannot be written; nothing is acknowledged.
        """
        batch = self._parse_batch(split_body(body), parse)
        for event in batch.valid.values():
            check(event)
        self._check_corrections(batch)
        self._store_quarantined(batch, dialect)
        self._store_warnings(batch)
        logged_ids = self._logged_ids(batch.valid)
        new = [event for event_id, event in batch.valid.items() if event_id not in logged_ids]
        # Another process may have logged an event meanwhile; applying it reports that.
        applied_before = list(self.record(new)).count("duplicate")
        accepted = len(new) - applied_before
        duplicate = batch.duplicate + len(logged_ids) + applied_before
        _count(accepted, duplicate, batch)
        return _answer(accepted, duplicate, batch)

    def record(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Log events, then apply them to the online features.

        An erased user is logged out of shared devices.

        Returns:
            The outcome of each event; empty where it is not known yet.

        Raises:
            LogError: the log cannot be written.
        """
        if not events:
            return ()
        logged = self.writer.append(events)
        log_outs = self.log.log_outs(logged)
        if log_outs:
            logged += self.writer.append(log_outs)
        outcomes = self.online_features.apply(logged)[: len(events)]
        EVENTS.labels("failed").inc(list(outcomes).count("failed"))
        self._add_recent(events)
        outcome_of_each = outcomes or [""] * len(events)
        self.on_accepted(
            event
            for event, outcome in zip(events, outcome_of_each, strict=True)
            if outcome != "duplicate"
        )
        return outcomes

    def _parse_batch(self, raw_events: list[object], parse: Parse) -> _Batch:
        batch = _Batch(raw_events)
        for index, raw in enumerate(raw_events):
            try:
                checked = self._validated(raw, parse)
            except EventError as error:
                batch.quarantine(index, error)
                continue
            for event, findings in checked:
                batch.duplicate += event.event_id in batch.valid
                batch.valid.setdefault(event.event_id, event)
                batch.indexes.setdefault(event.event_id, index)
                for finding in findings:
                    batch.warnings.add(_located(finding, index))
        return batch

    def _check_corrections(self, batch: _Batch) -> None:
        """Quarantine the corrections that would change nothing."""
        first: dict[str, str] = {}
        now = self.clock.now()
        for event_id, event in list(batch.valid.items()):
            if not isinstance(event, InteractionEvent) or event.corrects is None:
                continue
            named = event.corrects
            try:
                stated = batch.valid.get(named) or self.log.interaction(named)
                stated = check_corrected(msgspec.structs.replace(event, received_at=now), stated)
                logged = self.log.correction(named, stated.seen_at)
                check_first_correction(event, first.get(named) or logged)
                first[named] = event_id
            except EventError as error:
                del batch.valid[event_id]
                batch.quarantine(batch.indexes[event_id], error)

    def _validated(self, raw: object, parse: Parse) -> list[tuple[AnyEvent, list[Finding]]]:
        try:
            now = self.clock.now()
            parsed = (dated_now(event, now) for event in parse(raw))
            events = [msgspec.structs.replace(event, received_at=0) for event in parsed]
            find, named = self.find_answer, self.log.interaction
            valid = [
                validate_event(event, now=now, served=find, interaction=named) for event in events
            ]
            return [self.checks.check(event, raw) for event in valid]
        except RecursionError:
            raise EventError("event", "JSON less deeply nested", "too many levels") from None

    def _store_quarantined(self, batch: _Batch, dialect: str) -> None:
        if not batch.refused:
            return
        add, further = self._quarantine.add, batch.refused[MAX_NAMED:]
        try:
            for entry in batch.refused[:MAX_NAMED]:
                content = _encoded(batch.raw_events[entry.index])
                add(dialect, entry.index + 1, entry.reason, content)
            if further:
                first = further[0]
                contents = b",".join(_encoded(batch.raw_events[entry.index]) for entry in further)
                reason = f"more events of one body; of the first, {first.reason}"
                add(dialect, first.index + 1, reason, b"[%b]" % contents, count=len(further))
            self._quarantine.sync()
        except OSError as error:
            raise LogError(f"{self.home.log} cannot be written: {error}.") from error

    def _store_warnings(self, batch: _Batch) -> None:
        try:
            add_warnings(self.home, batch.warnings.rules, self.clock.now())
        except OSError as error:
            raise LogError(f"{self.home.log} cannot be written: {error}.") from error

    def _logged_ids(self, event_ids: Iterable[str]) -> set[str]:
        """Return the ids that this process logged recently, or that the log has compacted."""
        with self._lock:
            recent = {event_id for event_id in event_ids if event_id in self._recent_ids}
        return recent | self.log.compacted_ids(event_ids)

    def _add_recent(self, events: Sequence[AnyEvent]) -> None:
        with self._lock:
            for event in events:
                size = ID_BYTES + len(event.event_id.encode())
                self._recent_ids.put(event.event_id, None, size)


def _encoded(raw: object) -> bytes:
    try:
        return msgspec.json.encode(raw)
    except RecursionError:
        return b'"(too many levels)"'


def _located(finding: Finding, index: int) -> EventFinding:
    return EventFinding(**msgspec.structs.asdict(finding), index=index)


def _answer(accepted: int, duplicate: int, batch: _Batch) -> EventsAnswer:
    quarantined = [_quarantined(finding) for finding in batch.quarantined.first]
    answer = EventsAnswer(
        accepted,
        duplicate,
        quarantined,
        warnings=batch.warnings.first,
        warnings_count=batch.warnings.count,
        warning_reasons=batch.warnings.reasons,
    )
    if batch.quarantined.count <= MAX_NAMED:
        return answer
    return msgspec.structs.replace(
        answer, quarantined_count=batch.quarantined.count, reasons=batch.quarantined.reasons
    )


def _quarantined(finding: EventFinding) -> QuarantinedEvent:
    reason = f"expected {finding.expected}, found {finding.found}"
    return QuarantinedEvent(finding.index, finding.field, reason, finding.hint)


def _count(accepted: int, duplicate: int, batch: _Batch) -> None:
    EVENTS.labels("accepted").inc(accepted)
    EVENTS.labels("duplicate").inc(duplicate)
    EVENTS.labels("quarantined").inc(batch.quarantined.count)
    EVENTS.labels("warned").inc(batch.warnings.count)

"""Ingestion of events: parse, validate, log, apply, and then acknowledge."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

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
from feature_repo.home import Clock, EventError, Home, LogError
from serving.contract import MAX_NAMED, EventsAnswer, QuarantinedEvent
from serving.features import OnlineFeatures
from serving.monitoring import EVENTS
from serving.recording.recent import RecentEntries

Parse = Callable[[object], Sequence[AnyEvent]]
Check = Callable[[AnyEvent], None]
RECENT_BYTES = 32 << 20
"""Bytes of the ids of the latest events, which the index of the log may lack."""

ID_BYTES = 200
"""Bytes of an id in memory, besides its characters."""

_LONGEST_FIELD = 120
"""Characters of a field's name in an answer; the sender may have made it up."""


@dataclass
class _Batch:
    """The events of a body: valid ones by id, with their positions, and the others."""

    valid: dict[str, AnyEvent] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    duplicate: int = 0
    quarantined: list[QuarantinedEvent] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def quarantine(self, index: int, error: EventError) -> None:
        """Add an event that cannot be logged."""
        name, reason = error.field[:_LONGEST_FIELD], f"expected {error.expected}"
        self.quarantined.append(QuarantinedEvent(index, name, f"{reason}, found {error.found}"))
        self.reasons[f"{name}: {reason}"] += 1


@dataclass
class EventIntake:
    """Writes events to the log and applies them to the online features.  Threads may share it.

    Attributes:
        find_answer: looks up this shop's answer to a request.
        on_accepted: receives the accepted events.
    """

    home: Home
    log: EventLog
    writer: SegmentWriter
    online_features: OnlineFeatures
    clock: Clock
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
        raw_events = split_body(body)
        batch = self._parse_batch(raw_events, parse)
        for event in batch.valid.values():
            check(event)
        self._check_corrections(batch)
        self._store_quarantined(raw_events, batch.quarantined, dialect)
        logged_ids = self._logged_ids(batch.valid)
        new = [event for event_id, event in batch.valid.items() if event_id not in logged_ids]
        # Another process may have logged an event meanwhile; applying it reports that.
        applied_before = list(self.record(new)).count("duplicate")
        accepted = len(new) - applied_before
        duplicate = batch.duplicate + len(logged_ids) + applied_before
        _count(accepted, duplicate, len(batch.quarantined))
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
        batch = _Batch()
        for index, raw in enumerate(raw_events):
            try:
                events = self._validated(raw, parse)
            except EventError as error:
                batch.quarantine(index, error)
                continue
            for event in events:
                batch.duplicate += event.event_id in batch.valid
                batch.valid.setdefault(event.event_id, event)
                batch.indexes.setdefault(event.event_id, index)
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

    def _validated(self, raw: object, parse: Parse) -> list[AnyEvent]:
        try:
            events = [msgspec.structs.replace(event, received_at=0) for event in parse(raw)]
            now = self.clock.now()
            return [validate_event(event, now=now, served=self.find_answer) for event in events]
        except RecursionError:
            raise EventError("event", "JSON less deeply nested", "too many levels") from None

    def _store_quarantined(
        self, raw_events: list[object], quarantined: Sequence[QuarantinedEvent], dialect: str
    ) -> None:
        if not quarantined:
            return
        add, further = self._quarantine.add, quarantined[MAX_NAMED:]
        try:
            for entry in quarantined[:MAX_NAMED]:
                content = _encoded(raw_events[entry.index])
                add(dialect, entry.index + 1, f"{entry.field}: {entry.reason}", content)
            if further:
                first = further[0]
                contents = b",".join(_encoded(raw_events[entry.index]) for entry in further)
                reason = f"more events of one body; of the first, {first.field}: {first.reason}"
                add(dialect, first.index + 1, reason, b"[%b]" % contents, count=len(further))
            self._quarantine.sync()
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


def _answer(accepted: int, duplicate: int, batch: _Batch) -> EventsAnswer:
    answer = EventsAnswer(accepted, duplicate, batch.quarantined[:MAX_NAMED])
    count = len(batch.quarantined)
    if count <= MAX_NAMED:
        return answer
    reasons = dict(batch.reasons.most_common(MAX_NAMED))
    return msgspec.structs.replace(answer, quarantined_count=count, reasons=reasons)


def _count(accepted: int, duplicate: int, quarantined: int) -> None:
    EVENTS.labels("accepted").inc(accepted)
    EVENTS.labels("duplicate").inc(duplicate)
    EVENTS.labels("quarantined").inc(quarantined)

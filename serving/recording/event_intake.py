"""Events at the door: parsed, admitted, logged, applied; only then acknowledged."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from feature_repo.events.contract import AnyEvent, ServedEvent, split_body, validate_event
from feature_repo.events.log import EventLog, Quarantine, SegmentWriter
from feature_repo.home import Clock, EventError, Home, LogError
from serving.contract import EventsAnswer, QuarantinedEvent
from serving.features import OnlineFeatures
from serving.monitoring import EVENTS

Parse = Callable[[object], Sequence[AnyEvent]]
REMEMBERED = 200_000


@dataclass
class _Batch:
    fresh: dict[str, AnyEvent] = field(default_factory=dict)
    duplicate: int = 0
    quarantined: list[QuarantinedEvent] = field(default_factory=list)


@dataclass
class EventIntake:
    """Takes events into the log and the live state.  Threads may share it.

    Attributes:
        find_answer: looks up this shop's answer to a request.
        on_accepted: receives the events that were accepted.
    """

    home: Home
    log: EventLog
    writer: SegmentWriter
    online_features: OnlineFeatures
    clock: Clock
    find_answer: Callable[[str], ServedEvent | None]
    on_accepted: Callable[[Iterable[AnyEvent]], None]
    _recent: "OrderedDict[str, None]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ingest(self, body: bytes, parse: Parse, door: str) -> EventsAnswer:
        """Take a body of events.

        Args:
            body: one object, an array, or JSON lines.
            parse: reads the events of one object.
            door: names the sender's way in, in the quarantine.

        Raises:
            EventError: the body is not JSON.
            LogError: the log cannot be written; nothing is acknowledged.
        """
        raw_events = split_body(body)
        batch = self._sorted_out(raw_events, parse)
        self._set_aside(raw_events, batch.quarantined, door)
        before = self._taken_before(batch.fresh)
        fresh = [event for name, event in batch.fresh.items() if name not in before]
        again = list(self.record(fresh)).count("duplicate")
        answer = EventsAnswer(
            len(fresh) - again, batch.duplicate + len(before) + again, batch.quarantined
        )
        _count(answer)
        return answer

    def record(self, events: Sequence[AnyEvent]) -> Sequence[str]:
        """Log events, then make them count.

        Returns:
            What became of each in the live state; none where that is not known yet.

        Raises:
            LogError: the log cannot be written.
        """
        if not events:
            return ()
        outcomes = self.online_features.apply(self.writer.append(events))
        self._remember(events)
        known = outcomes or [""] * len(events)
        self.on_accepted(
            e for e, outcome in zip(events, known, strict=True) if outcome != "duplicate"
        )
        return outcomes

    def _sorted_out(self, raw_events: list[object], parse: Parse) -> _Batch:
        batch = _Batch()
        for index, raw in enumerate(raw_events):
            try:
                events = self._validated(raw, parse)
            except EventError as error:
                reason = f"expected {error.expected}, found {error.found}"
                batch.quarantined.append(QuarantinedEvent(index, error.field, reason))
                continue
            for event in events:
                batch.duplicate += event.event_id in batch.fresh
                batch.fresh.setdefault(event.event_id, event)
        return batch

    def _validated(self, raw: object, parse: Parse) -> list[AnyEvent]:
        try:
            events = [msgspec.structs.replace(event, received_at=0) for event in parse(raw)]
            now = self.clock.now()
            return [validate_event(event, now=now, served=self.find_answer) for event in events]
        except RecursionError:
            raise EventError("event", "JSON less deeply nested", "too many levels") from None

    def _set_aside(
        self, raw_events: list[object], quarantined: Sequence[QuarantinedEvent], door: str
    ) -> None:
        quarantine = Quarantine(self.home.log / "quarantine")
        try:
            for entry in quarantined:
                content = _as_sent(raw_events[entry.index])
                quarantine.add(door, entry.index + 1, f"{entry.field}: {entry.reason}", content)
            quarantine.sync()
        except OSError as error:
            raise LogError(f"{self.home.log} cannot be written: {error}.") from error

    def _taken_before(self, event_ids: Iterable[str]) -> set[str]:
        with self._lock:
            recent = {event_id for event_id in event_ids if event_id in self._recent}
        return recent | self.log.compacted_ids(event_ids)

    def _remember(self, events: Sequence[AnyEvent]) -> None:
        with self._lock:
            self._recent.update(dict.fromkeys(event.event_id for event in events))
            while len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)


def _as_sent(raw: object) -> bytes:
    try:
        return msgspec.json.encode(raw)
    except RecursionError:
        return b"(too many levels)"


def _count(answer: EventsAnswer) -> None:
    for outcome, number in (
        ("accepted", answer.accepted),
        ("duplicate", answer.duplicate),
        ("quarantined", len(answer.quarantined)),
    ):
        EVENTS.labels(outcome).inc(number)

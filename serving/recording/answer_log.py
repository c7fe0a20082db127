"""The log of answers: served items, and which answers were shown."""

import base64
import hashlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feature_repo.events.contract import RankingEvent, ServedEvent, ShownItem, SourceLocations
from feature_repo.events.log import EventLog, SegmentWriter
from feature_repo.home import AisleError
from feature_repo.request_features.families import source_names
from serving.contract import new_id
from serving.experiments import Treatment, exposures
from serving.monitoring import LOST_ANSWERS
from serving.query import Query
from serving.ranking import Slate
from serving.recording.recent import RecentEntries
from training.retrieval.catalogue import Candidates

_logger = logging.getLogger(__name__)

QUEUE_BYTES = 32 << 20
RECENT_BYTES = 32 << 20
"""Bytes of the answers that wait to be logged, and of those that a report may name next."""

BATCH = 256

PAUSE_SECONDS = 0.05
"""Pause between two writes: a killed process loses the answers of this time, but never an event."""


@dataclass
class AnswerLog:
    """Logs answers in a thread; no request waits for it.

    Attributes:
        record_share: share of requests, 0 to 1, whose feature vectors are logged.
    """

    log: EventLog
    writer: SegmentWriter
    record_share: float
    _queued: "deque[tuple[ServedEvent, int]]" = field(default_factory=deque)
    _queued_bytes: int = 0
    _recent: RecentEntries[str, ServedEvent] = field(
        default_factory=lambda: RecentEntries(RECENT_BYTES)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _thread: threading.Thread | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="answer-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Log the queued answers, and stop the thread."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()

    def enqueue(self, event: ServedEvent) -> None:
        """Queue an answer; when the queue is full, the answer is lost and counted."""
        size = memory_of(event)
        with self._lock:
            self._recent.put(event.request_id, event, size)
            has_room = self._queued_bytes + size <= QUEUE_BYTES
            if has_room:
                self._queued.append((event, size))
                self._queued_bytes += size
        if not has_room:
            LOST_ANSWERS.inc()

    def get(self, request_id: str) -> ServedEvent | None:
        """Return the last answer to a request, of any process; None without one."""
        with self._lock:
            recent = self._recent.get(request_id)
        return recent or self.log.served(request_id)

    def forget_user(self, user_id: str) -> None:
        """Remove a user's answers from the recent ones."""
        with self._lock:
            for request_id, event in self._recent.items():
                if event.user_id == user_id:
                    self._recent.remove(request_id)

    def _run(self) -> None:
        """Poll the queue: a wake-up for each answer would delay that answer."""
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(PAUSE_SECONDS)
            while batch := self._next_batch():
                self._write(batch)

    def _next_batch(self) -> list[ServedEvent]:
        with self._lock:
            taken = [self._queued.popleft() for _ in range(min(len(self._queued), BATCH))]
            self._queued_bytes -= sum(size for _, size in taken)
        return [event for event, _ in taken]

    def _write(self, batch: list[ServedEvent]) -> None:
        """Log answers; the thread goes on whatever fails, even memory."""
        try:
            self.writer.append(batch, durable=False)
        except Exception as error:
            LOST_ANSWERS.inc(len(batch))
            if not isinstance(error, AisleError | OSError):
                _logger.exception("answers could not be logged")


def memory_of(event: ServedEvent) -> int:
    """Return about how many bytes an answer takes, at most twice as many as it does."""
    locations = sum(map(len, event.sources))
    texts = len(event.vectors or "") + 4 * len(event.query or "")
    return 2_000 + 300 * len(event.items) + 250 * locations + 100 * len(event.considered) + texts


def served_event(
    query: Query,
    candidates: Candidates,
    slate: Slate,
    treatments: Sequence[Treatment],
    degraded: list[str],
    record_share: float,
    took_ms: float | None = None,
) -> ServedEvent:
    """Return the log's event of an answer, with feature vectors for the recorded share of requests.

    There is one vector per item, in the order of the answer, with the columns of the layout.
    """
    has_vectors = slate.scored.matrix is not None and is_recorded(query.request_id, record_share)
    return ServedEvent(
        event_id=f"served-{new_id()}",
        event_time=query.t,
        request_id=query.request_id,
        items=shown_items(slate),
        user_id=query.user_id,
        session_id=query.session_id,
        surface=query.surface,
        query=query.text,
        market=query.market,
        utc_offset_minutes=query.utc_offset_minutes,
        timestamp=query.timestamp,
        **_draw_fields(slate),
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=tuple(degraded),
        took_ms=took_ms,
        device=query.device,
        experiments=exposures(treatments),
        teams=_teams(slate),
        other_version=slate.other_version,
        overrides=dict(query.overrides),
        sources=_sources(candidates, slate),
        considered=_considered(slate),
        layout=slate.scored.columns if has_vectors else (),
        vectors=_encoded(slate) if has_vectors else None,
    )


def shown_event(query: Query, slate: Slate) -> RankingEvent:
    """Return the event that reports the answer as shown."""
    return RankingEvent(
        event_id=f"shown-{new_id()}",
        event_time=query.t,
        request_id=query.request_id,
        items=shown_items(slate),
        user_id=query.user_id,
        session_id=query.session_id,
        surface=query.surface,
        query=query.text,
        market=query.market,
        utc_offset_minutes=query.utc_offset_minutes,
        **_draw_fields(slate),
    )


def shown_items(slate: Slate) -> tuple[ShownItem, ...]:
    """Return the items of an answer with scores and propensities.

    The score of a drawn item is the score before the noise, not the ranker's.
    """
    ids, scores = slate.scored.item_ids, slate.scored.scores.tolist()
    propensities, drawn = slate.propensities, slate.draw.scores if slate.draw else {}
    if not drawn and not propensities:
        return tuple([ShownItem(ids[n], scores[n], 1.0) for n in slate.order])
    return tuple(
        ShownItem(ids[n], drawn.get(n, scores[n]), propensities.get(n, 1.0)) for n in slate.order
    )


def is_recorded(request_id: str, share: float) -> bool:
    """Return whether a request belongs to the recorded share; equal for equal ids.

    >>> is_recorded("r1", 1.0), is_recorded("r1", 0.0)
    (True, False)
    """
    digest = hashlib.blake2b(request_id.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _considered(slate: Slate) -> tuple[str, ...]:
    """Return the scored candidates that are not on the page."""
    if len(slate.order) == len(slate.scored.item_ids):
        return ()
    shown = frozenset(slate.order)
    return tuple(item for n, item in enumerate(slate.scored.item_ids) if n not in shown)


def _teams(slate: Slate) -> tuple[str, ...]:
    """Return the variant of each position; empty where no position has one."""
    teams = tuple(slate.teams.get(n, "") for n in slate.order) if slate.teams else ()
    return teams if any(teams) else ()


def _sources(candidates: Candidates, slate: Slate) -> tuple[SourceLocations, ...]:
    """Return each item's rank and score in its candidate sources; empty where no item has any."""
    if not candidates.sources:
        return ()
    item_ids = [slate.scored.item_ids[n] for n in slate.order]
    locations = tuple(
        {
            source: location
            for source, location in candidates.sources.get(item_id, {}).items()
            if source in source_names()
        }
        for item_id in item_ids
    )
    return locations if any(locations) else ()


def _draw_fields(slate: Slate) -> dict[str, Any]:
    draw = slate.draw
    return {} if draw is None else {"temperature": draw.temperature, "seed": draw.seed}


def _encoded(slate: Slate) -> str:
    assert slate.scored.matrix is not None
    rows = slate.scored.matrix[list(slate.order)]
    return base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode()

"""Answers as the log keeps them: what was served, and what the sender says was shown."""

import base64
import hashlib
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feature_repo.events.contract import RankingEvent, ServedEvent, ShownItem, SourceLocations
from feature_repo.events.log import EventLog, SegmentWriter
from feature_repo.home import AisleError
from feature_repo.request_features.families import SOURCES
from serving.contract import new_id
from serving.monitoring import LOST_ANSWERS
from serving.query import Query
from serving.ranking import Slate
from training.retrieval.catalogue import Candidates

QUEUED = 10_000
REMEMBERED = 10_000
BATCH = 256

PAUSE_SECONDS = 0.05
"""What a process that dies at once may lose of its answers; never an event."""


@dataclass
class AnswerLog:
    """Logs answers beside the requests; an answer never waits for it.

    Attributes:
        record_share: share of requests, 0 to 1, whose feature vectors are logged.
    """

    log: EventLog
    writer: SegmentWriter
    record_share: float
    _queued: "deque[ServedEvent]" = field(default_factory=deque)
    _recent: "OrderedDict[str, ServedEvent]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _thread: threading.Thread | None = None
    _ending: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to log."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Log what is queued, and end."""
        if self._thread is not None:
            self._ending.set()
            self._thread.join()

    def enqueue(self, event: ServedEvent) -> None:
        """Take an answer to be logged; when too many wait, it is lost and counted."""
        with self._lock:
            self._recent[event.request_id] = event
            self._recent.move_to_end(event.request_id)
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        if len(self._queued) < QUEUED:
            self._queued.append(event)
        else:
            LOST_ANSWERS.inc()

    def get(self, request_id: str) -> ServedEvent | None:
        """This shop's last answer to a request, whichever process gave it."""
        with self._lock:
            recent = self._recent.get(request_id)
        return recent or self.log.served(request_id)

    def forget_user(self, user_id: str) -> None:
        """Remember no answer to a user any more."""
        with self._lock:
            for request_id, event in list(self._recent.items()):
                if event.user_id == user_id:
                    del self._recent[request_id]

    def _run(self) -> None:
        """Look now and then: to be woken for each answer would hold that answer up."""
        ended = False
        while not ended:
            ended = self._ending.wait(PAUSE_SECONDS)
            while batch := [self._queued.popleft() for _ in range(min(len(self._queued), BATCH))]:
                self._write(batch)

    def _write(self, batch: list[ServedEvent]) -> None:
        try:
            self.writer.append(batch, durable=False)
        except (AisleError, OSError):
            LOST_ANSWERS.inc(len(batch))


def served_event(
    query: Query,
    candidates: Candidates,
    slate: Slate,
    degraded: list[str],
    record_share: float,
) -> ServedEvent:
    """The answer as the log keeps it; its vectors too, for the recorded share of requests.

    The vectors are of the items in the order answered, one row each, in the layout's order.
    """
    recorded = slate.scored.matrix is not None and is_recorded(query.request_id, record_share)
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
        **_drawn_from(slate),
        model_version=slate.scored.version,
        feature_service=slate.scored.feature_service,
        degraded=tuple(degraded),
        overrides=dict(query.overrides),
        sources=_sources(candidates, slate),
        considered=_considered(slate),
        layout=slate.scored.columns if recorded else (),
        vectors=_encoded(slate) if recorded else None,
    )


def shown_event(query: Query, slate: Slate) -> RankingEvent:
    """The report that the answer is shown as it is."""
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
        **_drawn_from(slate),
    )


def shown_items(slate: Slate) -> tuple[ShownItem, ...]:
    """The items answered; where nothing was drawn the order follows, with a propensity of 1.

    The score of one that was drawn is what the noise was added to, not the ranker's.
    """
    ids, scores = slate.scored.item_ids, slate.scored.scores.tolist()
    propensities, drawn = slate.propensities, slate.draw.scores if slate.draw else {}
    if not drawn and not propensities:
        return tuple([ShownItem(ids[n], scores[n], 1.0) for n in slate.order])
    return tuple(
        ShownItem(ids[n], drawn.get(n, scores[n]), propensities.get(n, 1.0)) for n in slate.order
    )


def is_recorded(request_id: str, share: float) -> bool:
    """Whether a request belongs to the recorded share; always the same for the same id.

    >>> is_recorded("r1", 1.0), is_recorded("r1", 0.0)
    (True, False)
    """
    digest = hashlib.blake2b(request_id.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _considered(slate: Slate) -> tuple[str, ...]:
    """The candidates that were scored and are not on the page."""
    if len(slate.order) == len(slate.scored.item_ids):
        return ()
    answered = frozenset(slate.order)
    return tuple(item for n, item in enumerate(slate.scored.item_ids) if n not in answered)


def _sources(candidates: Candidates, slate: Slate) -> tuple[SourceLocations, ...]:
    """Where each item answered was found; empty where none was."""
    if not candidates.sources:
        return ()
    found = [candidates.sources.get(slate.scored.item_ids[n], {}) for n in slate.order]
    places = tuple({name: place for name, place in one.items() if name in SOURCES} for one in found)
    return places if any(places) else ()


def _drawn_from(slate: Slate) -> dict[str, Any]:
    """Temperature and seed, as both records name them."""
    draw = slate.draw
    return {} if draw is None else {"temperature": draw.temperature, "seed": draw.seed}


def _encoded(slate: Slate) -> str:
    assert slate.scored.matrix is not None
    rows = slate.scored.matrix[list(slate.order)]
    return base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode()

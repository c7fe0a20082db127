"""Applies logged events to the live state.

Every request sent after the acknowledgement of an event sees it.  Live state is pruned once a load
has put it into the stored rows.  The log is the source of truth: applying an event twice changes
nothing, and `replay` applies every event that the rows do not include.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Literal, cast

import redis

from feature_repo.events.contract import FEATURE_KINDS, AnyEvent, ItemEvent
from feature_repo.events.log import EventLog, erased_users
from feature_repo.home import Clock, Home, LiveStateError, RedisError
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import commands
from feature_repo.online.live.enrichment import Enrichment
from feature_repo.online.redis import FAILED, LiveKeys, Script
from feature_repo.shop import Shop

Outcome = Literal["applied", "duplicate", "held", "failed"]

_DONE_IN_PART = 2
_OUTCOMES: dict[int, Outcome] = {
    1: "applied",
    0: "duplicate",
    _DONE_IN_PART: "applied",
    FAILED: "failed",
}
_PRUNED_DURING_CALL = -1
_PROBLEMS = (_PRUNED_DURING_CALL, FAILED)
_BATCH = 500
_KEYS_A_STEP = 100
"""Redis answers nobody during a step."""

_FLUSHING = b"flushing"
_ATTEMPTS = 10


class LiveWriter:
    """Applies logged events to Redis.  Threads may share it, processes may each have one."""

    def __init__(
        self,
        home: Home,
        shop: Shop,
        client: "redis.Redis",
        log: EventLog,
        clock: Clock,
        reader: OnlineReader | None = None,
    ) -> None:
        self._home = home
        self._shop = shop
        self._client = client
        self._log = log
        self._clock = clock
        self._reader = reader
        self._keys = LiveKeys.of(home)
        self._enrichment = Enrichment(shop, log, self._open_reader, self._is_live)
        self._apply = Script.load("checksum", "live_tiles", "live_users", "live")
        self._prune = Script.load("checksum", "prune")
        self._flush = Script.load("checksum", "flush")
        self._held: dict[str, AnyEvent] = {}
        self._held_lock = threading.Lock()
        self._released_to = -1

    @property
    def held(self) -> int:
        """Number of events whose time is in the future."""
        return len(self._held)

    def has_due(self, now: int) -> bool:
        """Return whether `release_held` would apply an event."""
        return bool(self._due(now))

    @property
    def released_to(self) -> int:
        """Latest time of a held event that was, or is being, applied; −1 before the first."""
        return self._released_to

    def apply(self, events: Sequence[AnyEvent]) -> list[Outcome]:
        """Apply logged events in any order, after the held events that are due before them.

        Returns:
            For each event `applied`, `duplicate` (its id was applied or compacted before), `held`
            until its time, or `failed` where a key in Redis is of another type.

        Raises:
            RedisError: the server does not answer; `replay` applies the rest.
        """
        now = self._clock.now()
        due = [event for event in events if event.event_time <= now]
        self._hold([event for event in events if event.event_time > now])
        if due and self._held:
            self.release_held(min(event.seen_at for event in due) - 1)
        outcomes = iter(self._apply_due(due))
        return [next(outcomes) if event.event_time <= now else "held" for event in events]

    def release_held(self, now: int | None = None) -> int:
        """Apply the held events that are due; return how many.

        An event stays held while it is applied, so that another thread that needs it applies it
        too before it reads; applying twice changes nothing.

        Raises:
            RedisError: the server does not answer; the events are still held.
        """
        due = self._due(self._clock.now() if now is None else now)
        with self._held_lock:
            self._released_to = max([self._released_to, *(event.seen_at for event in due)])
        self._apply_due(due)
        with self._held_lock:
            for event in due:
                self._held.pop(event.event_id, None)
        return len(due)

    def replay(self) -> int:
        """Apply every event that the stored rows do not include, in order; return how many are new.

        A refresh may have compacted events that Redis missed, and then failed to load them.  Served
        events change no feature and are skipped.

        Raises:
            RedisError: the server does not answer; call again.
        """
        missing = [*self._log.unsealed(FEATURE_KINDS)]
        with _redis_errors():
            pruned = self._pruned()
        if pruned >= 0:
            missing += self._log.compacted_after(pruned)
        events, new = iter(sorted(missing, key=_seen_order)), 0
        while batch := list(islice(events, _BATCH)):
            new += self.apply(batch).count("applied")
        return new

    def prune(self, materialized_part: int) -> int:
        """Remove the events up to this part, which the stored rows include.

        Returns:
            The number of keys, members and ids that were looked at.

        Raises:
            LiveStateError: a value changed: load all rows, `flush`, and `replay`.
            RedisError: the server does not answer; call again.
        """
        return self._in_steps(self._prune, (materialized_part, _KEYS_A_STEP))

    def flush(self) -> int:
        """Remove the live state of this project, before a rebuild; return how many keys.

        Raises:
            RedisError: the server does not answer; call again: no event is applied before.
        """
        return self._in_steps(self._flush, (_KEYS_A_STEP,))

    def _in_steps(self, script: Script, arguments: tuple[int, ...]) -> int:
        """Run a script until it has nothing left to do; return the sum of its replies."""
        done = 0
        with _redis_errors():
            while step := self._run(script, [arguments])[0]:
                if step == FAILED:
                    raise LiveStateError(
                        "A live value in Redis changed (the log says which); `aisle refresh` "
                        "builds the live state again when there are new events."
                    )
                done += step
        return done

    def _hold(self, events: Sequence[AnyEvent]) -> None:
        with self._held_lock:
            self._held |= {event.event_id: event for event in events}

    def _due(self, now: int) -> list[AnyEvent]:
        with self._held_lock:
            due = [event for event in self._held.values() if event.event_time <= now]
        return sorted(due, key=_seen_order)

    def _apply_due(self, events: Sequence[AnyEvent]) -> list[Outcome]:
        """Apply in runs of one kind: an item's change must be in Redis before its clicks."""
        outcomes: list[Outcome] = []
        with _redis_errors():
            for _, run in groupby(events, key=lambda event: isinstance(event, ItemEvent)):
                while batch := list(islice(run, _BATCH)):
                    outcomes += self._apply_batch(batch)
            self._delete_erased(events)
        return outcomes

    def _delete_erased(self, events: Sequence[AnyEvent]) -> None:
        """Delete the stored rows of erased users and their sessions, after the tombstones."""
        for user in erased_users(events):
            sessions = [*self._log.linked_sessions([user])]
            reader = self._open_reader()
            keys = reader.row_keys("user", [user]) + reader.row_keys("session", sessions)
            self._client.unlink(*keys)

    def _apply_batch(self, events: Sequence[AnyEvent]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        for _ in range(_ATTEMPTS):
            pending = [n for n in range(len(events)) if n not in outcomes]
            if not pending:
                break
            replies = self._try([events[n] for n in pending])
            for n, reply in zip(pending, replies, strict=True):
                if reply != _PRUNED_DURING_CALL:
                    outcomes[n] = _OUTCOMES[reply]
        else:
            raise RedisError("The live state is pruned repeatedly; stop the refresh that does it.")
        return [outcomes[n] for n in range(len(events))]

    def _try(self, events: Sequence[AnyEvent]) -> list[int]:
        """Look up the inputs of the calls, then call; a call fails if a prune ran in between."""
        pruned = self._pruned()
        before = self._compacted_before(events)
        fresh = [event for event in events if event.event_id not in before]
        replies = iter(self._call(fresh, pruned))
        return [0 if event.event_id in before else next(replies) for event in events]

    def _compacted_before(self, events: Sequence[AnyEvent]) -> set[str]:
        """Return ids that were compacted in another part.

        An id in the event's own part is the event itself: compacted since it was logged, but not in
        the stored rows before the next load.
        """
        parts = self._log.compacted_parts(event.event_id for event in events)
        if not parts:
            return set()
        part_of = self._log.seals().part_of
        return {
            event.event_id
            for event in events
            if parts.get(event.event_id, part_of(event.seen_at)) != part_of(event.seen_at)
        }

    def _call(self, events: Sequence[AnyEvent], pruned: int) -> list[int]:
        part_of = self._log.seals().part_of
        calls = self._enrichment.calls(events, part_of, self._clock.now())
        encoded = [
            (commands.encode_call({**call, "pruned": pruned}),)
            for of_event in calls
            for call in of_event
        ]
        replies = iter(self._run_whole(encoded))
        return [_outcome([next(replies) for _ in of_event]) for of_event in calls]

    def _run_whole(self, calls: Sequence[tuple[bytes]]) -> list[int]:
        """Run calls, and again where one was done in part."""
        replies = self._run(self._apply, calls)
        again = [n for n, reply in enumerate(replies) if reply == _DONE_IN_PART]
        while again:
            latest = self._run(self._apply, [calls[n] for n in again])
            for n, reply in zip(again, latest, strict=True):
                if reply in _PROBLEMS:
                    replies[n] = reply
            again = [n for n, reply in zip(again, latest, strict=True) if reply == _DONE_IN_PART]
        return replies

    def _is_live(self, requests: Sequence[str]) -> list[bool]:
        rankings = self._values([self._keys.request(request) for request in requests])
        return [ranking is not None for ranking in rankings]

    def _pruned(self) -> int:
        (part,) = self._values([self._keys.pruned])
        if part == _FLUSHING:
            raise RedisError("The live state is being rebuilt; `aisle refresh` completes it.")
        return -1 if part is None else int(part)

    def _values(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.mget(keys)) if keys else []

    def _run(self, script: Script, calls: Sequence[Sequence[bytes | int]]) -> list[int]:
        return script.run(self._client, self._keys.prefix, calls) if calls else []

    def _open_reader(self) -> OnlineReader:
        if self._reader is None:
            self._reader = OnlineReader(self._home, self._shop, self._client)
        return self._reader


def _outcome(replies: Sequence[int]) -> int:
    """Return the reply of an event's own call, the last, unless one before it did not work."""
    for problem in _PROBLEMS:
        if problem in replies:
            return problem
    return replies[-1]


def _seen_order(event: AnyEvent) -> tuple[int, str]:
    return event.seen_at, event.event_id


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise RedisError(f"Redis does not answer: {error}.") from error

"""The event log of a home, stored in two forms: live segments and compacted Parquet files.

log/seals                      instants; see `seals.py`
log/lock                       shared by appends, exclusive for a seal
log/segments/…jsonl            one writer appends to each; see `segments.py`
log/compacted/<kind>/…parquet  sealed events; see `partitions.py` and `compaction.py`
log/index.db                   event ids and requests of the compacted files; see `index.py`
log/quarantine/…jsonl          lines that could not be logged, with the reason
log/rebuild                    present while features must be rebuilt from the whole log
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar, cast

import pyarrow.parquet as pq

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    Link,
    Merge,
    RankingEvent,
    ServedEvent,
    owner_changes,
)
from feature_repo.events.log.compaction import CompactionReport, compact
from feature_repo.events.log.erasure import anonymize, erased_users
from feature_repo.events.log.identity_tail import is_erased
from feature_repo.events.log.index import EventIndex
from feature_repo.events.log.index_content import digest
from feature_repo.events.log.partitions import list_relations, part_of, read_relation
from feature_repo.events.log.seals import Seals, read_seals, write_seals
from feature_repo.events.log.segment_tail import SegmentTail
from feature_repo.events.log.segments import (
    SegmentWriter,
    decode_event,
    encode_event,
    list_segments,
    new_segment,
    read_lines,
    version_of,
)
from feature_repo.home import (
    Clock,
    Home,
    LateFileError,
    locked,
    publish,
    replacing,
    sync_folder,
    to_text,
)

_T = TypeVar("_T")


class EventLog:
    """The log of one home. Reading creates no file."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._index = EventIndex(home.log)
        self._tail = SegmentTail(home.log / "segments")

    @property
    def folder(self) -> Path:
        """The folder of the log."""
        return self._home.log

    def writer(self) -> SegmentWriter:
        """Open a writer; the threads of a process share one."""
        return SegmentWriter(self._home, self._clock)

    def seals(self) -> Seals:
        """Return the current seals."""
        return read_seals(self._seals_path)

    def seal(self) -> int:
        """Seal the log now: later events get a later `received_at`. Return the seal."""
        with locked(self._home.log / "lock"):
            return self._seal()

    def compact(self) -> CompactionReport:
        """Compact every sealed event into Parquet; a killed run can be repeated."""
        if not self._home.log.exists():
            return CompactionReport()
        with locked(self._home.log / "compaction.lock"):
            if self._repartition_mark.exists():
                self._uncompact()
            return compact(self._home.log, self.seals(), self._index)

    def relation_paths(self, kind: str) -> list[Path]:
        """Return the compacted files of one kind, oldest day first."""
        return list_relations(self._home.log / "compacted", kind)

    def compacted_ids(self, event_ids: Iterable[str]) -> set[str]:
        """Return the ids whose events are compacted."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        return {keys[key] for key in self.compacted_digests(list(keys))}

    def compacted_parts(self, event_ids: Iterable[str]) -> dict[str, int]:
        """Return the part of each id whose event is compacted."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        return {keys[key]: part for key, part in self._index.parts(list(keys)).items()}

    def compacted_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests of ids whose events are compacted; see `index.py`."""
        return self._index.compacted_digests(digests)

    def unsealed_digests(self) -> set[bytes]:
        """Return the digests of the ids of all events in segments."""
        return {digest(event.event_id) for event in self._segment_events()}

    @property
    def has_open_segments(self) -> bool:
        """Whether a segment was opened since the last seal."""
        version = self.seals().version
        return any(version_of(s) >= version for s in list_segments(self.folder / "segments"))

    def logged_items(self, item_ids: set[str]) -> set[str]:
        """Return the ids that some item event has."""
        logged = {e.item_id for e in self._segment_events() if isinstance(e, ItemEvent)}
        for path in self.relation_paths("item"):
            logged.update(pq.read_table(path, columns=["item_id"]).column(0).to_pylist())
        return item_ids & logged

    def items_after(self, part: int) -> dict[str, int]:
        """Return the items with events of later parts, and the first `seen_at` of these events."""
        events = [
            (event.item_id, event.seen_at)
            for event in self._segment_events()
            if isinstance(event, ItemEvent)
        ]
        for path in self.relation_paths("item"):
            if part_of(path) > part:
                table = pq.read_table(path, columns=["item_id", "seen_at"])
                instants = table["seen_at"].cast("int64").to_pylist()
                events += zip(table["item_id"].to_pylist(), instants, strict=True)
        first = dict[str, int]()
        for item_id, seen_at in events:
            first[item_id] = min(seen_at, first.get(item_id, seen_at))
        return first

    def unsealed(self) -> Iterator[AnyEvent]:
        """Return every event that is not compacted, once, by (received_at, event_id).

        Users erased since then are anonymized.
        """
        logged = self._segment_events()
        erased = erased_users(logged)
        events = sorted(
            (anonymize(event, erased) for event in logged),
            key=lambda e: (e.seen_at, e.received_at),
        )
        first = {event.event_id: event for event in reversed(events)}
        compacted = self.compacted_ids(first)
        fresh = (event for event_id, event in first.items() if event_id not in compacted)
        return iter(sorted(fresh, key=lambda e: (e.received_at, e.event_id)))

    def ranking(self, request_id: str) -> RankingEvent | None:
        """Return the ranking of a request, the first by `seen_at`."""
        ranking = self._index.request("ranking", request_id)
        return cast(RankingEvent | None, ranking or self._tail.find("ranking", request_id))

    def compacted_rankings(self, request_id: str) -> list[RankingEvent]:
        """Return every compacted ranking of a request, also repeated reports."""
        return cast(list[RankingEvent], self._index.rankings(request_id))

    def served(self, request_id: str) -> ServedEvent | None:
        """Return the answer to a request, the last by `seen_at`."""
        answer = self._tail.find("served", request_id)
        return cast(ServedEvent | None, answer or self._index.request("served", request_id))

    def interaction(self, event_id: str) -> InteractionEvent | None:
        """Return the interaction with this id."""
        event = self._tail.find("interaction", event_id) or self._index.event(event_id)
        return event if isinstance(event, InteractionEvent) else None

    def correction(self, event_id: str) -> str | None:
        """Return the id of the first correction of an event, by (seen_at, event_id)."""

        def read() -> list[tuple[int, str]]:
            return self._tail.corrections(event_id) + self._index.corrections(event_id)

        return min(self._unless_compacted_meanwhile(read), default=(0, None))[1]

    def links(self, session_ids: Iterable[str]) -> list[Link]:
        """Return the links that change the owners of sessions, in order; some may be of the future.

        A link of a session to the user it belongs to changes nothing, and may be left out.
        """
        sessions = list(dict.fromkeys(session_ids))

        def read() -> list[Link]:
            links, erased = self._tail.links(sessions), self._tail.erased()
            return links + [k for k in self._index.links(sessions) if not is_erased(k, erased)]

        return owner_changes(self._unless_compacted_meanwhile(read)) if sessions else []

    def merges(self, user_ids: Iterable[str]) -> list[Merge]:
        """Return the merges of users with others, in order: in either direction, and onwards."""
        merges: dict[str, Merge] = {}
        users: set[str] = set()
        fresh = set(user_ids)
        while fresh:
            users |= fresh
            of_users = self._merges_of(fresh)
            merges |= {merge.event_id: merge for merge in of_users}
            fresh = {user for m in of_users for user in (m.user_id, m.from_user_id)} - users
        return sorted(merges.values(), key=lambda merge: (merge.seen_at, merge.event_id))

    def session_events(self, session_id: str) -> list[RankingEvent | InteractionEvent]:
        """Return the rankings and interactions of a session, in order; some may be of the future.

        An interaction without a session is included if it names a request of an earlier ranking of
        the session, even if another ranking of that request is the first.
        """

        def read() -> list[AnyEvent]:
            return self._events_of("session", [session_id], self._index.session_rows)

        return _in_order(self._unless_compacted_meanwhile(read))

    def user_events(self, user_id: str) -> list[RankingEvent | InteractionEvent]:
        """Return the rankings and interactions that may be a user's, in order.

        These are the events that name the user, interactions without a user that name a request of
        an earlier ranking of the user, and all events of sessions that were ever linked to the
        user. It reads the user ids of the whole log: for a merge, which is rare.
        """

        def read() -> list[AnyEvent]:
            sessions = [
                *self._index.linked_sessions([user_id]),
                *self._tail.linked_sessions(user_id),
            ]
            events = self._events_of("user", [user_id], self._index.user_rows)
            return events + self._events_of("session", sessions, self._index.session_rows)

        return _in_order(self._unless_compacted_meanwhile(read))

    @property
    def rebuild_needed(self) -> bool:
        """Whether a backfill changed the past, so that all features must be rebuilt."""
        return self._rebuild_mark.exists()

    def rebuild_done(self) -> None:
        """Record that all features were rebuilt, offline and online."""
        self._rebuild_mark.unlink(missing_ok=True)

    def adopt(self, staged: Path, earliest: int, *, backfill: bool = False) -> int:
        """Make a complete file of JSON lines a segment, and seal.

        Args:
            staged: file of `encode_event` lines on the log's file system; it is moved.
            earliest: the lowest `received_at` in it.
            backfill: adopt it even if it reaches back before the last seal: drop the seals, and
                let the next compaction partition the whole log again.

        Returns:
            The seal.

        Raises:
            LateFileError: the file reaches back to the last seal or before; it is not moved.
        """
        with locked(self._home.log / "lock"):
            before = self.seals()
            late = earliest <= before.last
            if late and not backfill:
                raise LateFileError(_late(earliest, before.last))
            segment = new_segment(self._home.log / "segments", before.version)
            if not late:
                publish(staged, segment)
                return self._seal()
            self._repartition_mark.touch()
            self._rebuild_mark.touch()
            sync_folder(self._home.log)
            seal = self._seal(drop=True)
            publish(staged, segment)
            return seal

    def _merges_of(self, user_ids: set[str]) -> list[Merge]:
        def read() -> list[Merge]:
            merges, erased = self._tail.merges(user_ids), self._tail.erased()
            merges += self._index.merges(user_ids)
            return [merge for merge in merges if not is_erased(merge, erased)]

        return self._unless_compacted_meanwhile(read)

    def _events_of(
        self,
        entity: Literal["session", "user"],
        ids: Sequence[str],
        rows_of: Callable[[Iterable[str]], set[tuple[str, int]]],
    ) -> list[AnyEvent]:
        """Return the events of sessions or users, and interactions that inherit them."""
        erased = self._tail.erased()
        compacted = [anonymize(e, erased) for e in self._index.read(rows_of(ids))]
        own = f"{entity}_id"
        events = compacted + self._tail.events((entity, one) for one in ids)
        named = [event for event in events if getattr(event, own) in ids]
        requests: dict[str, int] = {}
        for event in named:
            if isinstance(event, RankingEvent):
                first = requests.get(event.request_id, event.seen_at)
                requests[event.request_id] = min(first, event.seen_at)
        inherited = compacted + self._tail.events(("request", one) for one in requests)
        return named + [
            event
            for event in inherited
            if isinstance(event, InteractionEvent)
            and getattr(event, own) is None
            and requests.get(event.request_id or "", event.seen_at + 1) <= event.seen_at
        ]

    def _unless_compacted_meanwhile(self, read: Callable[[], list[_T]]) -> list[_T]:
        """Return what `read` reads from segments and index; again if a segment was compacted."""
        while True:
            segments = list_segments(self.folder / "segments")
            with suppress(FileNotFoundError):
                result = read()
                if set(segments).issubset(list_segments(self.folder / "segments")):
                    return result

    @property
    def _seals_path(self) -> Path:
        return self._home.log / "seals"

    @property
    def _rebuild_mark(self) -> Path:
        return self._home.log / "rebuild"

    @property
    def _repartition_mark(self) -> Path:
        return self._home.log / "repartition"

    def _seal(self, *, drop: bool = False) -> int:
        before = self.seals()
        after = before.sealed_at(self._clock.now(), drop=drop)
        write_seals(self._seals_path, before, after)
        self._clock.advance(after.last)
        return after.last

    def _uncompact(self) -> None:
        """Turn all compacted files back into a segment, which the next compaction partitions again.

        The files are deleted after the segment is complete, so a killed run can be repeated.
        """
        restored = self._home.log / "segments" / f"{0:08d}-restored.jsonl"
        relations = list_relations(self._home.log / "compacted")
        if not restored.exists():
            with replacing(restored) as temporary, temporary.open("wb") as file:
                for path in relations:
                    file.writelines(encode_event(e) + b"\n" for e in read_relation(path))
        for path in relations:
            path.unlink()
        self._index.sync()
        self._repartition_mark.unlink()

    def _segment_events(self) -> list[AnyEvent]:
        """Return the events of all segments; start again if a compaction deleted one meanwhile."""
        while True:
            try:
                segments = list_segments(self._home.log / "segments")
                return [event for segment in segments for event in _readable(segment)]
            except FileNotFoundError:
                continue


def _in_order(events: Iterable[AnyEvent]) -> list[RankingEvent | InteractionEvent]:
    """Return rankings and interactions by (seen_at, event_id); of one id, the first."""
    first: dict[str, RankingEvent | InteractionEvent] = {}
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        if isinstance(event, RankingEvent | InteractionEvent):
            first.setdefault(event.event_id, event)
    return list(first.values())


def _readable(segment: Path) -> Iterator[AnyEvent]:
    for _, line in read_lines(segment):
        try:
            yield decode_event(line)
        except (ValueError, RecursionError):
            continue


def _late(earliest: int, seal: int) -> str:
    return (
        f"Expected events received after the last seal, {to_text(seal)}; found one of "
        f"{to_text(earliest)}. Features up to the seal are final. Use --late if the shop could "
        "not know these events before now, or --backfill to put them into the past and rebuild."
    )

"""The event log: what happened, kept in two forms.

log/seals                      instants; see `seals.py`
log/lock                       held shared by appends, alone by a seal
log/segments/…jsonl            appended to, one writer a file; see `segments.py`
log/compacted/<kind>/…parquet  what is sealed; see `relations.py` and `compaction.py`
log/index.db                   event ids and requests of the compacted files
log/quarantine/…jsonl          what could not be taken, with the reason
log/rebuild                    there while features must be rebuilt from the log's beginning
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
)
from feature_repo.events.log.compaction import CompactionReport, compact
from feature_repo.events.log.erasure import anonymize, erased_users
from feature_repo.events.log.index import EventIndex, digest
from feature_repo.events.log.partitions import list_relations, read_relation
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


class EventLog:
    """The log of one home.  Nothing is created before something is written."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._index = EventIndex(home.log)
        self._tail = SegmentTail(home.log / "segments")

    @property
    def folder(self) -> Path:
        """Where the log lies."""
        return self._home.log

    def writer(self) -> SegmentWriter:
        """Open a writer; a process needs one, which its threads share."""
        return SegmentWriter(self._home, self._clock)

    def seals(self) -> Seals:
        """The seals as they are now."""
        return read_seals(self._seals_path)

    def seal(self) -> int:
        """Seal the log now: nothing will get this or an earlier `received_at` any more."""
        with locked(self._home.log / "lock"):
            return self._seal()

    def compact(self) -> CompactionReport:
        """Turn what is sealed into Parquet; idempotent at every point at which it may die."""
        if not self._home.log.exists():
            return CompactionReport()
        with locked(self._home.log / "compaction.lock"):
            if self._repartition_mark.exists():
                self._uncompact()
            return compact(self._home.log, self.seals(), self._index)

    def relation_paths(self, kind: str) -> list[Path]:
        """Compacted Parquet files of one kind, oldest day first."""
        return list_relations(self._home.log / "compacted", kind)

    def compacted_ids(self, event_ids: Iterable[str]) -> set[str]:
        """Those of the ids whose events are compacted."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        return {keys[key] for key in self.compacted_digests(list(keys))}

    def compacted_parts(self, event_ids: Iterable[str]) -> dict[str, int]:
        """The parts in which those of the ids lie whose events are compacted."""
        keys = {digest(event_id): event_id for event_id in event_ids}
        return {keys[key]: part for key, part in self._index.parts(list(keys)).items()}

    def compacted_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """The same by digests of the ids; see `event_index.py`."""
        return self._index.compacted_digests(digests)

    def unsealed_digests(self) -> set[bytes]:
        """Digests of the ids of all events in segments."""
        return {digest(event.event_id) for event in self._segment_events()}

    @property
    def has_open_segments(self) -> bool:
        """Whether anything was logged since the last seal."""
        version = self.seals().version
        return any(version_of(s) >= version for s in list_segments(self.folder / "segments"))

    def logged_items(self, item_ids: set[str]) -> set[str]:
        """Those of the ids that an item event names."""
        logged = {e.item_id for e in self._segment_events() if isinstance(e, ItemEvent)}
        for path in self.relation_paths("item"):
            logged.update(pq.read_table(path, columns=["item_id"]).column(0).to_pylist())
        return item_ids & logged

    def unsealed(self) -> Iterator[AnyEvent]:
        """Every event not yet in compacted Parquet, once, by (received_at, event_id).

        They come without the users who were erased since.
        """
        logged = self._segment_events()
        erased = erased_users(logged)
        events = sorted(
            (anonymize(event, erased) for event in logged),
            key=lambda e: (e.seen_at, e.received_at),
        )
        first = {event.event_id: event for event in reversed(events)}
        known = self.compacted_ids(first)
        fresh = (event for event_id, event in first.items() if event_id not in known)
        return iter(sorted(fresh, key=lambda e: (e.received_at, e.event_id)))

    def ranking(self, request_id: str) -> RankingEvent | None:
        """The ranking of a request; of several the one seen first."""
        found = self._index.request("ranking", request_id) or self._tail.request(
            "ranking", request_id
        )
        return cast(RankingEvent | None, found)

    def compacted_rankings(self, request_id: str) -> list[RankingEvent]:
        """Every compacted ranking of a request, however often it was reported."""
        return cast(list[RankingEvent], self._index.rankings(request_id))

    def served(self, request_id: str) -> ServedEvent | None:
        """The answer to a request; of several the last."""
        found = self._tail.request("served", request_id) or self._index.request(
            "served", request_id
        )
        return cast(ServedEvent | None, found)

    def interaction(self, event_id: str) -> InteractionEvent | None:
        """The interaction of this id, for one that corrects it."""
        found = self._tail.interaction(event_id) or self._index.event(event_id)
        return found if isinstance(found, InteractionEvent) else None

    @property
    def rebuild_needed(self) -> bool:
        """Whether a backfill changed the past, so that features must be rebuilt as a whole."""
        return self._rebuild_mark.exists()

    def rebuild_done(self) -> None:
        """Say that the features were rebuilt, offline and online."""
        self._rebuild_mark.unlink(missing_ok=True)

    def adopt(self, staged: Path, earliest: int, *, backfill: bool = False) -> int:
        """Take a finished file of JSON lines as a segment, and seal.

        Args:
            staged: written by `stage_event`, on the log's file system; it is moved.
            earliest: the least `received_at` in it.
            backfill: take it though it lies before the last seal; the seals are dropped, and the
                next compaction parts the whole log anew.

        Returns:
            The seal.

        Raises:
            LateFileError: the file reaches back to the last seal or before; it is left alone.
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
        return after.last

    def _uncompact(self) -> None:
        """Turn all compacted files back into a segment, to be parted by the seals as they are.

        The files go only when the segment is there, so a run that is killed can be repeated.
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
        """All events of all segments; begun anew where a compaction took one away meanwhile."""
        while True:
            try:
                segments = list_segments(self._home.log / "segments")
                return [event for segment in segments for event in _readable(segment)]
            except FileNotFoundError:
                continue


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

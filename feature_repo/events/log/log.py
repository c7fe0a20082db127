"""The event log of a home, stored in two forms: live segments and compacted Parquet files.

log/seals                      instants; see `seals.py`
log/lock                       shared by appends, exclusive for a seal
log/segments/…jsonl            one writer appends to each; see `segments.py`
log/compacted/<kind>/…parquet  sealed events; see `partitions.py` and `compaction.py`
log/index.db                   event ids and requests of the compacted files; see `index.py`
log/quarantine/…jsonl          lines that could not be logged, with the reason
log/set_aside/…json            events that were taken out of the log; see `events/quarantine`
log/rebuild                    present while features must be rebuilt from the whole log
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from feature_repo.events.contract import (
    EVENT_KINDS,
    FEATURE_KINDS,
    AnyEvent,
    ItemEvent,
)
from feature_repo.events.log.compaction import CompactionReport, Survey, compact
from feature_repo.events.log.erasure import NOBODY, anonymize, erased_users
from feature_repo.events.log.index import COMPACTION_LOCK, DamagedIndexError
from feature_repo.events.log.index_content import digest
from feature_repo.events.log.lookups import LogLookups
from feature_repo.events.log.partitions import (
    list_relations,
    part_of,
    read_columns,
    read_relation,
)
from feature_repo.events.log.seals import Seals, read_seals, write_seals
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

_BLOCK_BYTES = 1 << 20


class EventLog(LogLookups):
    """The log of one home. Reading creates no file."""

    def __init__(self, home: Home, clock: Clock) -> None:
        super().__init__(home.log)
        self._home = home
        self._clock = clock
        self._surveys: dict[Path, Survey] = {}

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
        with locked(self._home.log / COMPACTION_LOCK):
            if self._repartition_mark.exists():
                self._uncompact()
            try:
                return compact(self._home.log, self.seals(), self._index, self._surveys)
            except DamagedIndexError:
                self._index.rebuild()
                return compact(self._home.log, self.seals(), self._index, self._surveys)
            finally:
                self._surveys.clear()

    def relation_paths(self, kind: str) -> list[Path]:
        """Return the compacted files of one kind, oldest day first."""
        return list_relations(self._home.log / "compacted", kind)

    def unsealed_digests(self) -> set[bytes]:
        """Return the digests of the ids of all events in segments."""
        return {digest(event.event_id) for event in self._segment_events()}

    @property
    def has_open_segments(self) -> bool:
        """Whether a segment was opened since the last seal."""
        version = self.seals().version
        return any(version_of(s) >= version for s in list_segments(self.folder / "segments"))

    @property
    def segment_lines(self) -> int:
        """The number of lines that are not compacted; an event that came twice has two."""
        while True:
            try:
                return sum(map(_count_lines, list_segments(self.folder / "segments")))
            except FileNotFoundError:
                continue

    def logged_items(self, item_ids: set[str]) -> set[str]:
        """Return the ids that some item event has."""
        logged = {e.item_id for e in self._segment_events(["item"]) if isinstance(e, ItemEvent)}
        for path in self.relation_paths("item"):
            logged.update(read_columns(path, ["item_id"]).column(0).to_pylist())
        return item_ids & logged

    def newest_item_events(self) -> dict[str, tuple[int, str]]:
        """Return the items, each with the time and id of its newest event."""
        newest: dict[str, tuple[int, str]] = {}
        events = [
            (event.item_id, (event.event_time, event.event_id))
            for event in self._segment_events(["item"])
            if isinstance(event, ItemEvent)
        ]
        for path in self.relation_paths("item"):
            table = read_columns(path, ["item_id", "event_time", "event_id"])
            times = table["event_time"].cast("int64").to_pylist()
            named = zip(times, table["event_id"].to_pylist(), strict=True)
            events += zip(table["item_id"].to_pylist(), named, strict=True)
        for item_id, event in events:
            newest[item_id] = max(event, newest.get(item_id, event))
        return newest

    def items_after(self, part: int) -> dict[str, int]:
        """Return the items with events of later parts, and the first `seen_at` of these events."""
        events = [
            (event.item_id, event.seen_at)
            for event in self._segment_events(["item"])
            if isinstance(event, ItemEvent)
        ]
        for path in self.relation_paths("item"):
            if part_of(path) > part:
                table = read_columns(path, ["item_id", "seen_at"])
                instants = table["seen_at"].cast("int64").to_pylist()
                events += zip(table["item_id"].to_pylist(), instants, strict=True)
        first = dict[str, int]()
        for item_id, seen_at in events:
            first[item_id] = min(seen_at, first.get(item_id, seen_at))
        return first

    def unsealed(self, kinds: Collection[str] = EVENT_KINDS.keys()) -> Iterator[AnyEvent]:
        """Return every event of some kinds that is not compacted, once, by (received_at, event_id).

        Users erased since then are anonymized.
        """
        logged = self._segment_events({*kinds, "user"})
        erased = self._erased(erased_users(logged))
        events = sorted(
            (anonymize(event, erased) for event in logged if event.kind in kinds),
            key=lambda e: (e.seen_at, e.received_at),
        )
        first = {event.event_id: event for event in reversed(events)}
        compacted = self.compacted_ids(first)
        fresh = (event for event_id, event in first.items() if event_id not in compacted)
        return iter(sorted(fresh, key=lambda e: (e.received_at, e.event_id)))

    def compacted_after(self, part: int) -> Iterator[AnyEvent]:
        """Yield the compacted events of later parts, of the kinds that feed features.

        Users erased since then are anonymized.
        """
        paths = [path for kind in FEATURE_KINDS for path in self.relation_paths(kind)]
        later = [path for path in paths if part_of(path) > part]
        erased = self._erased(erased_users(self._segment_events(["user"]))) if later else NOBODY
        for path in later:
            yield from (anonymize(event, erased) for event in read_relation(path))

    @property
    def rebuild_needed(self) -> bool:
        """Whether a backfill changed the past, so that all features must be rebuilt."""
        return self._rebuild_mark.exists()

    @contextmanager
    def changing_the_past(self) -> Iterator[None]:
        """Hold the compaction lock for a change of compacted files; all features are rebuilt."""
        with locked(self._home.log / COMPACTION_LOCK):
            self._rebuild_mark.touch()
            sync_folder(self._home.log)
            yield
            self._index.sync()

    def rebuild_done(self) -> None:
        """Record that all features were rebuilt, offline and online."""
        self._rebuild_mark.unlink(missing_ok=True)

    def adopt(
        self,
        staged: Path,
        earliest: int,
        *,
        backfill: bool = False,
        survey: Survey | None = None,
    ) -> int:
        """Make a complete file of JSON lines a segment, and seal.

        Args:
            staged: file of `encode_event` lines on the log's file system; it is moved.
            earliest: the lowest `received_at` in it.
            backfill: adopt it even if it reaches back before the last seal: drop the seals, and
                let the next compaction partition the whole log again.
            survey: of the file, if it was made while the file was written.

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
            if survey is not None:
                self._surveys[segment] = survey
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

    def _segment_events(self, kinds: Collection[str] = EVENT_KINDS.keys()) -> list[AnyEvent]:
        """Return the events of all segments; start again if a compaction deleted one meanwhile."""
        while True:
            try:
                segments = list_segments(self._home.log / "segments")
                return [event for segment in segments for event in _readable(segment, kinds)]
            except FileNotFoundError:
                continue


def _count_lines(segment: Path) -> int:
    with segment.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK_BYTES), b""))


def _readable(segment: Path, kinds: Collection[str]) -> Iterator[AnyEvent]:
    """Yield the events of some kinds.

    A line of another kind is not decoded: an answer with feature vectors takes a millisecond.
    """
    others = tuple(b'{"kind":"%b"' % kind.encode() for kind in EVENT_KINDS if kind not in kinds)
    for _, line in read_lines(segment):
        if line.startswith(others):
            continue
        try:
            event = decode_event(line)
        except (ValueError, RecursionError):
            continue
        if event.kind in kinds:
            yield event


def _late(earliest: int, seal: int) -> str:
    return (
        f"Expected events received after the last seal, {to_text(seal)}; found one of "
        f"{to_text(earliest)}. Features up to the seal are final. Use --late if the shop could "
        "not know these events before now, or --backfill to put them into the past and rebuild."
    )

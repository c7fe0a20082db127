"""Compaction: turn sealed segments into Parquet files, each whole or not at all.

Segments of earlier versions of the log never change. Compaction surveys their events (40 bytes an
event), retains one event of each id (the first by `seen_at`) and drops those already compacted.
Events that are not yet sealed move to a new segment; the others are written by kind, day and part.
Users erased by any of them are anonymized in existing files and in new ones. Then the index is
updated and the segments are deleted. The next run completes a killed one: the index then
contains the events already written, so none is written twice.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS, AnyEvent, decode_together, link_of
from feature_repo.events.log.arrow import to_table
from feature_repo.events.log.erasure import (
    NOBODY,
    Erased,
    anonymize,
    erased_users,
    note_erasure,
    rewrite,
)
from feature_repo.events.log.index import EventIndex
from feature_repo.events.log.index_content import DIGEST, digest
from feature_repo.events.log.partitions import (
    kind_of,
    read_groups,
    relation_days,
    relation_path,
)
from feature_repo.events.log.quarantine import Quarantine, set_aside_digests
from feature_repo.events.log.seals import Seals
from feature_repo.events.log.segments import (
    decode_event,
    decode_events,
    list_segments,
    new_segment,
    read_lines,
    version_of,
)
from feature_repo.home import replacing, sweep, sync_folder

_KINDS = list(EVENT_KINDS)
_KIND_NUMBERS = {kind.record: number for number, kind in enumerate(EVENT_KINDS.values())}
_LINE = np.dtype(
    [
        ("digest_high", "<u8"),
        ("digest_low", "<u8"),
        ("seen_at", "<i8"),
        ("segment", "<i4"),
        ("kind", "<i4"),
        ("offset", "<i8"),
        ("length", "<i8"),
    ]
)
Lines = npt.NDArray[np.void]
_BLOCK = 20_000

GROUP_BYTES = 32 << 20
"""JSON bytes of a row group at most, unless one event has more."""


@dataclass(frozen=True)
class CompactionReport:
    """The result of one compaction, in numbers of events.

    Attributes:
        compacted: events written to Parquet.
        duplicate: events dropped because their id was compacted before.
        held: events not yet sealed, written to a new segment.
        damaged: lines that could not be decoded.
        files: Parquet files written.
    """

    compacted: int = 0
    duplicate: int = 0
    held: int = 0
    damaged: int = 0
    files: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return the report as JSON."""
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]


def compact(log: Path, seals: Seals, index: EventIndex) -> CompactionReport:
    """Compact every sealed event. The caller holds the compaction lock."""
    sweep(log / "compacted")
    sweep(log / "segments")
    index.sync()
    segments = [s for s in list_segments(log / "segments") if version_of(s) < seals.version]
    if not segments:
        return CompactionReport()
    with _SealedSegments(segments) as sealed:
        lines, damaged = sealed.survey(Quarantine(log / "quarantine"))
        sealed.erase(index)
        note_erasure(log, sealed.erased)
        rewrite(log / "compacted", sealed.erased)
        fresh = _not_compacted(_first_of_each_id(lines), index, set_aside_digests(log))
        unsealed = fresh["seen_at"] > seals.last
        _carry_over(sealed, fresh[unsealed], new_segment(log / "segments", seals.version))
        files = _write_relations(sealed, fresh[~unsealed], log / "compacted", seals)
    index.sync()
    for segment in segments:
        segment.unlink()
    sync_folder(log / "segments")
    return CompactionReport(
        compacted=int((~unsealed).sum()),
        duplicate=len(lines) - len(fresh),
        held=int(unsealed.sum()),
        damaged=damaged,
        files=files,
    )


class _SealedSegments:
    """The lines of segments of earlier versions, with random access."""

    def __init__(self, segments: Sequence[Path]) -> None:
        self._segments = segments
        self._contents: list[mmap.mmap | bytes] = []
        self._erased_users: dict[str, int] = {}
        self.erased = NOBODY

    def __enter__(self) -> "_SealedSegments":
        self._contents = [*map(_mapped, self._segments)]
        return self

    def __exit__(self, *_: object) -> None:
        for content in self._contents:
            if isinstance(content, mmap.mmap):
                content.close()

    def survey(self, quarantine: Quarantine) -> tuple[Lines, int]:
        """Return every event, in the log's order, and the number of damaged lines."""
        blocks = [np.empty(0, _LINE)]
        damaged = 0
        for segment, path in enumerate(self._segments):
            lines = read_lines(path)
            while block := [*islice(lines, _BLOCK)]:
                events = _decoded([line for _, line in block])
                sound = []
                for entry, event in zip(block, events, strict=True):
                    if isinstance(event, Exception):
                        reason = f"damaged in the log: {event}"
                        quarantine.add(str(path), entry[0], reason, entry[1])
                        damaged += 1
                    else:
                        sound.append((*entry, event))
                blocks.append(_surveyed(segment, sound))
                self._note([event for *_, event in sound])
        quarantine.sync()
        return np.concatenate(blocks), damaged

    def _note(self, events: Iterable[AnyEvent]) -> None:
        for user, at in erased_users(events).items():
            self._erased_users[user] = max(at, self._erased_users.get(user, 0))

    def erase(self, index: EventIndex) -> None:
        """Look up the sessions of the users that surveyed events erase."""
        if not self._erased_users:
            return
        links = [link for link in map(link_of, self._all()) if link is not None]
        sessions = index.linked_sessions(self._erased_users)
        sessions |= {link.session_id for link in links if link.user_id in self._erased_users}
        of_sessions = [link for link in links if link.session_id in sessions]
        self.erased = Erased.of(self._erased_users, of_sessions + index.links(sessions))

    def _all(self) -> Iterator[AnyEvent]:
        for path in self._segments:
            for _, line in read_lines(path):
                with suppress(ValueError, RecursionError):
                    yield decode_event(line)

    def lines(self, lines: Lines) -> Iterator[bytes]:
        """Yield the bytes of surveyed lines."""
        for segment, start, length in lines[["segment", "offset", "length"]].tolist():
            yield self._contents[segment][start : start + length]

    def events(self, lines: Lines) -> list[AnyEvent]:
        """Return the events of surveyed lines, without erased users."""
        events = decode_events(b"".join(self.lines(lines)))
        if self.erased is NOBODY:
            return events
        return [anonymize(event, self.erased) for event in events]


def _mapped(segment: Path) -> mmap.mmap | bytes:
    """Return the content of a file, read where it is used; an empty file cannot be mapped."""
    with segment.open("rb") as file:
        if segment.stat().st_size == 0:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _decoded(lines: Sequence[bytes]) -> Sequence[AnyEvent | Exception]:
    """Return the event of each line, or the error of a damaged one."""
    events = decode_together(decode_events, lines)
    return [*map(_decoded_alone, lines)] if events is None else events


def _decoded_alone(line: bytes) -> AnyEvent | Exception:
    try:
        return decode_event(line)
    except (ValueError, RecursionError) as error:
        return error


def _surveyed(segment: int, sound: Sequence[tuple[int, bytes, AnyEvent]]) -> Lines:
    """Return the survey of lines, each with its offset and event."""
    rows = np.empty(len(sound), _LINE)
    keys = b"".join([digest(event.event_id) for _, _, event in sound])
    rows["digest_high"], rows["digest_low"] = np.frombuffer(keys, ">u8").reshape(-1, 2).T
    rows["seen_at"] = [max(event.event_time, event.received_at) for _, _, event in sound]
    rows["segment"] = segment
    rows["kind"] = [_KIND_NUMBERS[type(event)] for _, _, event in sound]
    rows["offset"] = [offset for offset, _, _ in sound]
    rows["length"] = [len(line) for _, line, _ in sound]
    return rows


def _first_of_each_id(lines: Lines) -> Lines:
    """Return one line of each event id: the first by `seen_at`, then by position in the log."""
    # lexsort is stable, so equal keys stay in the log's order.
    order = np.lexsort((lines["seen_at"], lines["digest_low"], lines["digest_high"]))
    lines = lines[order]
    is_first = np.ones(len(lines), bool)
    is_first[1:] = (np.diff(lines["digest_high"]) != 0) | (np.diff(lines["digest_low"]) != 0)
    return lines[is_first]


def _not_compacted(lines: Lines, index: EventIndex, set_aside: set[bytes]) -> Lines:
    """Return the lines whose event ids are neither compacted nor set aside."""
    fresh = np.ones(len(lines), bool)
    for start in range(0, len(lines), _BLOCK):
        block = lines[start : start + _BLOCK]
        keys = _keys(block)
        compacted = index.compacted_digests(keys) | set_aside
        if compacted:
            fresh[start : start + _BLOCK] = [key not in compacted for key in keys]
    return lines[fresh]


def _keys(lines: Lines) -> list[bytes]:
    halves = np.stack([lines["digest_high"], lines["digest_low"]], axis=1).astype(">u8").tobytes()
    return [halves[start : start + DIGEST] for start in range(0, len(halves), DIGEST)]


def _carry_over(sealed: _SealedSegments, unsealed: Lines, segment: Path) -> None:
    if len(unsealed) == 0:
        return
    with replacing(segment) as temporary, temporary.open("wb") as file:
        file.writelines(sealed.lines(unsealed))


def _write_relations(sealed: _SealedSegments, lines: Lines, folder: Path, seals: Seals) -> int:
    if len(lines) == 0:
        return 0
    days, parts = relation_days(lines["seen_at"]), seals.parts_of(lines["seen_at"])
    order = np.lexsort(
        [lines["offset"], lines["segment"], lines["seen_at"], parts, days, lines["kind"]]
    )
    lines, keys = lines[order], np.stack([lines["kind"], days, parts])[:, order]
    # A file begins wherever kind, day or part differs from the line before.
    starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0).any(axis=0)]).tolist()
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        kind, day, part = (int(key) for key in keys[:, start])
        path = relation_path(folder, _KINDS[kind], day, part)
        _write_relation(path, _KINDS[kind], _batches(sealed, lines[start:end], path), seals)
    return len(starts)


def _batches(sealed: _SealedSegments, lines: Lines, path: Path) -> Iterator[list[AnyEvent]]:
    """Yield the events of a file, existing ones first, one row group at a time."""
    size = EVENT_KINDS[kind_of(path)].row_group
    if path.exists():
        yield from read_groups(path)
    for group in _row_groups(lines["length"].tolist(), size):
        yield sealed.events(lines[group])


def _row_groups(lengths: Sequence[int], size: int) -> Iterator[slice]:
    """Cut lines into groups of at most `size` lines and `GROUP_BYTES` bytes.

    >>> list(_row_groups([1, 1, 1], 2))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    start, total = 0, 0
    for n, length in enumerate(lengths):
        if n > start and (n - start == size or total + length > GROUP_BYTES):
            yield slice(start, n)
            start, total = n, 0
        total += length
    yield slice(start, len(lengths))


def _write_relation(path: Path, kind: str, batches: Iterator[list[AnyEvent]], seals: Seals) -> None:
    schema = EVENT_KINDS[kind].arrow_schema
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for batch in batches:
            writer.write_table(to_table(kind, batch, seals.part_of))

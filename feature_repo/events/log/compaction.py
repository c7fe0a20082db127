"""Compaction: turn sealed segments into Parquet files, each whole or not at all.

Segments of earlier versions of the log never change. Compaction surveys their events (40 bytes an
event), retains one event of each id (the first by `seen_at`) and drops those already compacted.
Events that are not yet sealed move to a new segment; the others are written by kind, day and part.
Users erased by any of them are anonymized in existing files and in new ones. Then the index is
updated and the segments are deleted. The next run completes a killed one: the index then
contains the events already written, so none is written twice.
"""

import functools
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.events.contract import EVENT_KINDS, AnyEvent, decode_together, link_of
from feature_repo.events.log.erasure import (
    NOBODY,
    Erased,
    anonymize,
    erased_users,
    note_erasure,
    rewrite,
)
from feature_repo.events.log.index import EventIndex
from feature_repo.events.log.index_content import DIGEST, INDEXED, digest, indexed_columns
from feature_repo.events.log.partitions import (
    kind_of,
    read_groups,
    relation_days,
    relation_path,
    replacing_relation,
    row_groups,
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
Offsets = npt.NDArray[np.int64]
_BLOCK = 20_000

INDEXED_TOGETHER = 2_000_000
"""Events of a compaction whose ids stay in memory until they are indexed."""


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


class Survey:
    """The survey of a segment that is made while it is written.

    Attributes:
        erased: users that its events erase, each with the last such `seen_at`.
    """

    def __init__(self) -> None:
        self.erased: dict[str, int] = {}
        self._blocks = [np.empty(0, _LINE)]
        self._end = 0

    def add(self, events: Sequence[AnyEvent], keys: Sequence[bytes], lines: bytes) -> None:
        """Add the next events, given the digests of their ids and their lines."""
        ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) + 1
        starts = np.r_[0, ends[:-1]]
        self._blocks.append(_surveyed(events, keys, self._end + starts, ends - starts))
        self._end += len(lines)
        _note_erased(events, self.erased)

    def add_lines(self, lines: Sequence[tuple[int, bytes, AnyEvent]]) -> None:
        """Add events that are in the segment, each with its offset and line."""
        events = [event for *_, event in lines]
        keys = [digest(event.event_id) for event in events]
        offsets = np.array([offset for offset, *_ in lines], np.int64)
        lengths = np.array([len(line) for _, line, _ in lines], np.int64)
        self._blocks.append(_surveyed(events, keys, offsets, lengths))
        _note_erased(events, self.erased)

    def lines(self) -> Lines:
        """Return every event, in order."""
        return np.concatenate(self._blocks)


NO_SURVEYS: Mapping[Path, Survey] = {}


def compact(
    log: Path, seals: Seals, index: EventIndex, surveys: Mapping[Path, Survey] = NO_SURVEYS
) -> CompactionReport:
    """Compact every sealed event. The caller holds the compaction lock.

    Args:
        log: folder of the log.
        seals: of the log.
        index: of the compacted files.
        surveys: of segments that need not be surveyed again.
    """
    sweep(log / "compacted")
    sweep(log / "segments")
    index.sync()
    segments = [s for s in list_segments(log / "segments") if version_of(s) < seals.version]
    if not segments:
        return CompactionReport()
    with _SealedSegments(segments) as sealed:
        lines, damaged = sealed.survey(Quarantine(log / "quarantine"), surveys)
        sealed.erase(index)
        note_erasure(log, sealed.erased)
        rewrite(log / "compacted", sealed.erased)
        fresh = _not_compacted(_first_of_each_id(lines), index, set_aside_digests(log))
        unsealed = fresh["seen_at"] > seals.last
        _carry_over(sealed, fresh[unsealed], new_segment(log / "segments", seals.version))
        files, columns = _write_relations(sealed, fresh[~unsealed], log / "compacted", seals)
    index.sync(columns)
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

    def survey(self, quarantine: Quarantine, surveys: Mapping[Path, Survey]) -> tuple[Lines, int]:
        """Return every event, in the log's order, and the number of damaged lines."""
        blocks, damaged = [np.empty(0, _LINE)], 0
        for number, path in enumerate(self._segments):
            survey = surveys.get(path)
            if survey is None:
                survey = Survey()
                damaged += _survey(path, survey, quarantine)
            lines = survey.lines()
            lines["segment"] = number
            blocks.append(lines)
            for user, at in survey.erased.items():
                self._erased_users[user] = max(at, self._erased_users.get(user, 0))
        quarantine.sync()
        return np.concatenate(blocks), damaged

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


def _survey(path: Path, survey: Survey, quarantine: Quarantine) -> int:
    """Survey a segment; quarantine its damaged lines, and return their number."""
    damaged, lines = 0, read_lines(path)
    while block := [*islice(lines, _BLOCK)]:
        sound: list[tuple[int, bytes, AnyEvent]] = []
        for (offset, line), event in zip(block, _decoded([line for _, line in block]), strict=True):
            if isinstance(event, Exception):
                quarantine.add(str(path), offset, f"damaged in the log: {event}", line)
                damaged += 1
            else:
                sound.append((offset, line, event))
        survey.add_lines(sound)
    return damaged


def _note_erased(events: Iterable[AnyEvent], erased: dict[str, int]) -> None:
    for user, at in erased_users(events).items():
        erased[user] = max(at, erased.get(user, 0))


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


def _surveyed(
    events: Sequence[AnyEvent], keys: Sequence[bytes], offsets: Offsets, lengths: Offsets
) -> Lines:
    """Return the survey of N events of one segment, given the digests of their ids."""
    rows = np.zeros(len(events), _LINE)
    rows["digest_high"], rows["digest_low"] = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2).T
    rows["seen_at"] = np.maximum(
        np.fromiter(map(attrgetter("event_time"), events), np.int64, len(events)),
        np.fromiter(map(attrgetter("received_at"), events), np.int64, len(events)),
    )
    rows["kind"] = [*map(_kind_number, map(type, events))]
    rows["offset"], rows["length"] = offsets, lengths
    return rows


@functools.cache
def _kind_number(record: type[Any]) -> int:
    return _KINDS.index(record.__struct_config__.tag)


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


def _write_relations(
    sealed: _SealedSegments, lines: Lines, folder: Path, seals: Seals
) -> tuple[int, Mapping[Path, pa.Table]]:
    """Write events to their files; return the number of files, and what the index needs of some.

    These are new files, with `INDEXED_TOGETHER` events at most.
    """
    if len(lines) == 0:
        return 0, {}
    days, parts = relation_days(lines["seen_at"]), seals.parts_of(lines["seen_at"])
    order = np.lexsort(
        [lines["offset"], lines["segment"], lines["seen_at"], parts, days, lines["kind"]]
    )
    lines, keys = lines[order], np.stack([lines["kind"], days, parts])[:, order]
    columns: dict[Path, pa.Table] = {}
    # A file begins wherever kind, day or part differs from the line before.
    starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0).any(axis=0)]).tolist()
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        kind, day, part = (int(key) for key in keys[:, start])
        path = relation_path(folder, _KINDS[kind], day, part)
        is_read = path.exists() or end > INDEXED_TOGETHER
        written = _write_relation(path, _batches(sealed, lines[start:end], path))
        if not is_read:
            columns[path] = indexed_columns(written, _keys(lines[start:end]))
    return len(starts), columns


def _batches(sealed: _SealedSegments, lines: Lines, path: Path) -> Iterator[list[AnyEvent]]:
    """Yield the events of a file, existing ones first, one row group at a time."""
    size = EVENT_KINDS[kind_of(path)].row_group
    if path.exists():
        yield from read_groups(path)
    for group in row_groups(lines["length"].tolist(), size):
        yield sealed.events(lines[group])


def _write_relation(path: Path, batches: Iterator[list[AnyEvent]]) -> pa.Table:
    """Write a file, one row group for each batch; return its columns that are indexed."""
    written = []
    with replacing_relation(path) as write:
        for batch in batches:
            table = write(batch)
            written.append(table.select([name for name in table.column_names if name in INDEXED]))
    return pa.concat_tables(written)

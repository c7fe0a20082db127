"""Compaction: turn sealed segments into Parquet files, each whole or not at all.

Segments of earlier versions of the log never change. Compaction surveys their events (40 bytes an
event), retains one event of each id (the first by `seen_at`) and drops those already compacted.
Events that are not yet sealed move to a new segment; the others are written by kind, day and part.
Users erased by any of them are anonymized in existing files and in new ones. Then the index is
updated and the segments are deleted. The next run completes a killed one: the index then
contains the events already written, so none is written twice.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from feature_repo.events.contract import EVENT_KINDS, AnyEvent, link_of
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
from feature_repo.events.log.index_content import digest
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
        self._files: list[FileIO] = []
        self._erased_users: dict[str, int] = {}
        self.erased = NOBODY

    def __enter__(self) -> "_SealedSegments":
        self._files = [FileIO(segment) for segment in self._segments]
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def survey(self, quarantine: Quarantine) -> tuple[Lines, int]:
        """Return every event, in the log's order, and the number of damaged lines."""
        rows: list[Any] = []
        blocks = [np.empty(0, _LINE)]
        damaged = 0
        for segment, path in enumerate(self._segments):
            for offset, line in read_lines(path):
                try:
                    event = decode_event(line)
                    rows.append(_surveyed(event, segment, offset, len(line)))
                    self._note(event)
                except (ValueError, RecursionError) as error:
                    quarantine.add(str(path), offset, f"damaged in the log: {error}", line)
                    damaged += 1
                if len(rows) == _BLOCK:
                    blocks.append(np.array(rows, _LINE))
                    rows.clear()
        quarantine.sync()
        return np.concatenate([*blocks, np.array(rows, _LINE)]), damaged

    def _note(self, event: AnyEvent) -> None:
        for user, at in erased_users([event]).items():
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

    def line(self, line: np.void) -> bytes:
        """Return the bytes of a surveyed line."""
        file = self._files[line["segment"]]
        return os.pread(file.fileno(), int(line["length"]), int(line["offset"]))

    def events(self, lines: Lines) -> list[AnyEvent]:
        """Return the events of surveyed lines, without erased users."""
        return [anonymize(decode_event(self.line(line)), self.erased) for line in lines]


def _surveyed(event: AnyEvent, segment: int, offset: int, length: int) -> tuple[int, ...]:
    key = digest(event.event_id)
    kind = _KINDS.index(event.kind)
    high, low = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
    return high, low, event.seen_at, segment, kind, offset, length


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
        keys = [_key(high, low) for high, low in block[["digest_high", "digest_low"]].tolist()]
        compacted = index.compacted_digests(keys) | set_aside
        fresh[start : start + _BLOCK] = [key not in compacted for key in keys]
    return lines[fresh]


def _key(high: int, low: int) -> bytes:
    return high.to_bytes(8, "big") + low.to_bytes(8, "big")


def _carry_over(sealed: _SealedSegments, unsealed: Lines, segment: Path) -> None:
    if len(unsealed) == 0:
        return
    with replacing(segment) as temporary, temporary.open("wb") as file:
        file.writelines(sealed.line(line) for line in unsealed)


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

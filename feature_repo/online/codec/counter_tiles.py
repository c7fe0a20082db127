"""Tiles: the counts of one entity by day bucket, and their sums at an instant.

A tile is one string, little-endian:

    header   u8 version · u8 M measures · u16 checksum · i32 sealed_part · M × i64 all-time sums
    record   i32 part · i32 bucket · i32 events · M × i64 deltas        (any number, any order)

The header's sums include all parts up to `sealed_part`.  A record of part `SEALED` is the share of
one bucket in them; there is one for each bucket that a window may still include.  Any other record
is live: the deltas of the events of one later part in one bucket.  Live records of a part that is
sealed by now are included in the sealed ones, and are ignored.  `events` is the number of events
of a record, so that a record whose deltas cancel out still shows that the entity was seen.

The checksum is the first two bytes of the SHA-1 of all others, because Redis' scripts can compute
that; a tile with another one reads as damaged.

A read applies the windows, so nothing expires on a schedule.  `live.lua`, `seal.lua` and
`prune.lua` write the same format.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY

VERSION = 3
SEALED = -(2**31)
"""Part of sealed records; as `sealed_part` it means that nothing is sealed."""

_FOREVER = -(2**62)
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TileRecord:
    """The deltas of the events of one part, or of all sealed parts, in one bucket."""

    part: int
    bucket: int
    events: int
    deltas: tuple[int, ...]


@dataclass(frozen=True)
class Tile:
    """The counts of one entity.

    Attributes:
        records: sealed and live.
        sums: all-time sums up to `sealed_part`, one per measure.
        sealed_part: the last sealed part of the entity; `SEALED` without one.
    """

    records: tuple[TileRecord, ...] = ()
    sums: tuple[int, ...] = (0, 0)
    sealed_part: int = SEALED


@dataclass(frozen=True)
class Counts:
    """The sums of N tiles of M measures over W windows.

    Attributes:
        values: shape (N, M, W).
        parts: shape (N,): the last part that counts; `SEALED` where none does.
        damaged: shape (N,): whether a tile is damaged; it then counts as empty.
    """

    values: Ints
    parts: Ints
    damaged: Flags

    @property
    def present(self) -> Flags:
        """Whether a tile has a part that counts, shape (N,)."""
        return self.parts > SEALED


def pack(tile: Tile) -> bytes:
    """Encode a tile."""
    measures = len(tile.sums)
    header = np.array((VERSION, measures, 0, tile.sealed_part, tile.sums), header_type(measures))
    rows = [(r.part, r.bucket, r.events, r.deltas) for r in tile.records]
    return with_checksum(header.tobytes() + np.array(rows, record_type(measures)).tobytes())


def with_checksum(tile: bytes) -> bytes:
    """Return a tile with its checksum in place of the one that it has."""
    return tile[:2] + _checksum(tile) + tile[4:]


def unpack(tile: bytes) -> Tile:
    """Decode a tile.

    Raises:
        ValueError: not a tile.
    """
    if len(tile) < 2 or not is_tile(tile, tile[1]):
        raise ValueError(f"expected a tile, found {tile[:16]!r}")
    header = np.frombuffer(tile, header_type(tile[1]), count=1)[0]
    rows = np.frombuffer(tile, record_type(tile[1]), offset=header_type(tile[1]).itemsize)
    return Tile(
        tuple(TileRecord(part, at, met, tuple(by)) for part, at, met, by in rows.tolist()),
        tuple(map(int, header["sums"])),
        int(header["sealed_part"]),
    )


def is_tile(tile: bytes, measures: int) -> bool:
    """Return whether the bytes are an unchanged tile of `measures` measures."""
    body = len(tile) - header_type(measures).itemsize
    return (
        body >= 0
        and tile[:2] == bytes((VERSION, measures))
        and body % record_type(measures).itemsize == 0
        and _is_whole(tile)
    )


def _is_whole(tile: bytes) -> bool:
    return tile[2:4] == _checksum(tile)


def _checksum(tile: bytes) -> bytes:
    return hashlib.sha1(tile[:2] + tile[4:], usedforsecurity=False).digest()[:2]


def count(
    tiles: Sequence[bytes | None], t: int, windows: Sequence[int | None], *, measures: int
) -> Counts:
    """Sum N tiles over W windows as of an instant.

    Args:
        tiles: one per entity; None for a missing tile.
        t: instant of the read, µs.
        windows: lengths in day buckets, the current one included; None is all time.
        measures: M.
    """
    words, starts, sizes, damaged = _concatenate(tiles, measures)
    owners = np.repeat(np.arange(len(tiles)), sizes)
    firsts = np.cumsum(sizes) - sizes
    head, width = header_type(measures).itemsize // 4, record_type(measures).itemsize // 4
    at = starts[owners] + head + width * (np.arange(len(owners)) - firsts[owners])
    part, sealed_part = words[at], words[starts + 1]
    live = part > sealed_part[owners]
    bucket = np.where(live | (part == SEALED), words[at + 1], -(2**31))
    oldest = np.array([_FOREVER if days is None else t // DAY - days for days in windows])
    inside = bucket[:, None] > oldest
    inside[:, [days is None for days in windows]] = live[:, None]
    deltas = words[at[:, None] + np.arange(3, width)].view("<i8")
    values = _folded(np.add, deltas[:, :, None] * inside[:, None, :], firsts, sizes)
    sums = words[starts[:, None] + np.arange(2, head)].view("<i8")
    values[:, :, [days is None for days in windows]] += sums[:, :, None]
    parts = np.where(live, part, SEALED).astype(np.int64)
    newest = _folded(np.maximum, parts, firsts, sizes, blank=SEALED)
    return Counts(values, np.maximum(newest, sealed_part), damaged)


def count_one(
    tile: bytes, t: int, windows: Sequence[int | None], *, measures: int
) -> tuple[int, list[int]]:
    """Return the last part of one tile that counts, and its sums: measure by measure, W of each.

    For so few numbers plain Python is several times as fast as forty calls of numpy.

    Args:
        tile: of a user, a session or a query.
        t: instant of the read, µs.
        windows: as in `count`.
        measures: M.

    Raises:
        ValueError: not a tile of M measures.
    """
    if not is_tile(tile, measures):
        raise ValueError(f"expected a tile of {measures} measures, found {tile[:16]!r}")
    today, (header, record) = t // DAY, _structs(measures)
    _, _, _, sealed_part, *sums = header.unpack_from(tile)
    totals = [[0] * measures if days else sums for days in windows]
    newest = sealed_part
    for part, bucket, _, *deltas in record.iter_unpack(memoryview(tile)[header.size :]):
        live = part > sealed_part
        newest = max(newest, part)
        for n, days in enumerate(windows):
            inside = live if days is None else (live or part == SEALED) and bucket > today - days
            if inside:
                totals[n] = [total + delta for total, delta in zip(totals[n], deltas, strict=True)]
    values = [total for of_measure in zip(*totals, strict=True) for total in of_measure]
    if max(values) >= 2**63 or min(values) < -(2**63):
        values = [(value + 2**63) % 2**64 - 2**63 for value in values]
    return newest, values


@cache
def _structs(measures: int) -> tuple[struct.Struct, struct.Struct]:
    """Return the formats of a header and a record, to decode one tile at a time."""
    return struct.Struct(f"<BBHi{measures}q"), struct.Struct(f"<iii{measures}q")


def _concatenate(
    tiles: Sequence[bytes | None], measures: int
) -> tuple[npt.NDArray[np.int32], Ints, Ints, Flags]:
    """Return N tiles end to end as 32-bit words, their starts, record counts and damage."""
    blank = _blank(measures)
    whole = [tile or blank for tile in tiles]
    lengths = np.fromiter(map(len, whole), np.int64, len(whole))
    body = lengths - len(blank)
    if ((body < 0) | (body % record_type(measures).itemsize != 0)).any():
        return _without_damaged(tiles, measures)
    words = np.frombuffer(b"".join(whole), "<i4")
    starts = (np.cumsum(lengths) - lengths) // 4
    if (words[starts] & 0xFFFF != VERSION | measures << 8).any() or not all(map(_is_whole, whole)):
        return _without_damaged(tiles, measures)
    sizes = body // record_type(measures).itemsize
    return words, starts, sizes, np.zeros(len(whole), bool)


def _without_damaged(
    tiles: Sequence[bytes | None], measures: int
) -> tuple[npt.NDArray[np.int32], Ints, Ints, Flags]:
    damaged = np.array([bool(tile) and not is_tile(tile or b"", measures) for tile in tiles])
    valid = [None if bad else tile for tile, bad in zip(tiles, damaged, strict=True)]
    return *_concatenate(valid, measures)[:3], damaged


def _folded(operation: np.ufunc, rows: Ints, firsts: Ints, sizes: Ints, blank: int = 0) -> Ints:
    """Reduce the rows of each of N tiles; `blank` where a tile has none."""
    folded = np.full((len(sizes), *rows.shape[1:]), blank, dtype=np.int64)
    filled = sizes > 0
    if filled.any():
        folded[filled] = operation.reduceat(rows, firsts[filled], axis=0)
    return folded


@cache
def header_type(measures: int) -> "np.dtype[np.void]":
    """The layout of a header."""
    fields = [("version", "u1"), ("measures", "u1"), ("checksum", "<u2"), ("sealed_part", "<i4")]
    return np.dtype([*fields, ("sums", "<i8", (measures,))])


@cache
def record_type(measures: int) -> "np.dtype[np.void]":
    """The layout of a record."""
    fields = [("part", "<i4"), ("bucket", "<i4"), ("events", "<i4")]
    return np.dtype([*fields, ("deltas", "<i8", (measures,))])


@cache
def _blank(measures: int) -> bytes:
    return pack(Tile(sums=(0,) * measures))

"""Tiles: the counts of one entity by day-bucket, and how they are summed at an instant.

A tile is one string, little-endian:

    header   u8 version · u8 M measures · u16 0 · i32 sealed_part · M × i64 all-time sums
    record   i32 part · i32 bucket · i32 events · M × i32 deltas        (any number, any order)

The header's sums hold everything up to and with `sealed_part`.  A record whose part is `SEALED` is
what of that fell into one bucket; there is one for each bucket that some window may still reach.
Any other record is live: what the events of one later part added to one bucket.  Live records of a
part that is sealed by now are in the sealed ones, and count no more.  `events` counts a record's
events, so that one whose deltas cancel out still tells that the entity was met.

Nothing is aged on a schedule: windows are applied when a tile is read.  `live.lua`, `seal.lua` and
`prune.lua` write the same format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from feature_repo.instants import DAY

VERSION = 1
SEALED = -(2**31)
"""Part of sealed records; as `sealed_part` it says that nothing is sealed."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TileRecord:
    """What the events of one part, or all sealed ones, added to one bucket."""

    part: int
    bucket: int
    events: int
    deltas: tuple[int, ...]


@dataclass(frozen=True)
class Tile:
    """The counts of one entity.

    Attributes:
        records: sealed and live ones.
        sums: of all time up to `sealed_part`, one a measure.
        sealed_part: the entity's last part in them; `SEALED` where there is none.
    """

    records: tuple[TileRecord, ...] = ()
    sums: tuple[int, ...] = (0, 0)
    sealed_part: int = SEALED


@dataclass(frozen=True)
class Counts:
    """The sums of N tiles of M measures over W windows.

    Attributes:
        values: shape (N, M, W).
        parts: shape (N,): the last part that counts; `SEALED` where nothing does.
        damaged: shape (N,): whether a tile could not be read; it then counts as empty.
    """

    values: Ints
    parts: Ints
    damaged: Flags

    @property
    def present(self) -> Flags:
        """Shape (N,): whether a tile has anything that counts."""
        return self.parts > SEALED


def pack(tile: Tile) -> bytes:
    """Write a tile."""
    measures = len(tile.sums)
    header = np.array((VERSION, measures, 0, tile.sealed_part, tile.sums), header_type(measures))
    rows = [(r.part, r.bucket, r.events, r.deltas) for r in tile.records]
    return header.tobytes() + np.array(rows, record_type(measures)).tobytes()


def unpack(tile: bytes) -> Tile:
    """Read a tile.

    Raises:
        ValueError: not a tile.
    """
    if len(tile) < 2 or not is_tile(tile, tile[1]):
        raise ValueError(f"expected a tile, found {tile[:16]!r}")
    header = np.frombuffer(tile, header_type(tile[1]), count=1)[0]
    rows = np.frombuffer(tile, record_type(tile[1]), offset=header_type(tile[1]).itemsize)
    return Tile(
        tuple(TileRecord(*row[:3], tuple(row[3])) for row in rows.tolist()),
        tuple(map(int, header["sums"])),
        int(header["sealed_part"]),
    )


def is_tile(tile: bytes, measures: int) -> bool:
    """Whether the bytes have the form of a tile of so many measures."""
    body = len(tile) - header_type(measures).itemsize
    return (
        body >= 0
        and tile[0] == VERSION
        and tile[1] == measures
        and body % record_type(measures).itemsize == 0
    )


def count(
    tiles: Sequence[bytes | None], t: int, windows: Sequence[int | None], *, measures: int
) -> Counts:
    """Sum N tiles over W windows as of an instant.

    Args:
        tiles: one per entity; None where there is none.
        t: instant of the read, µs.
        windows: lengths in day-buckets, the current one included; None has no end.
        measures: M.
    """
    whole = [tile if tile and is_tile(tile, measures) else _blank(measures) for tile in tiles]
    damaged = [bool(tile) and tile is not kept for tile, kept in zip(tiles, whole, strict=True)]
    skip = header_type(measures).itemsize
    headers = np.frombuffer(b"".join([tile[:skip] for tile in whole]), header_type(measures))
    records = np.frombuffer(b"".join([tile[skip:] for tile in whole]), record_type(measures))
    sizes = [(len(tile) - skip) // record_type(measures).itemsize for tile in whole]
    owners = np.repeat(np.arange(len(whole)), sizes)
    live = records["part"] > headers["sealed_part"][owners]
    counted = live | (records["part"] == SEALED)
    values = np.zeros((len(whole), measures, len(windows)), dtype=np.int64)
    for column, window in enumerate(windows):
        if window is None:
            inside, values[:, :, column] = live, headers["sums"]
        else:
            inside = counted & (records["bucket"] > t // DAY - window)
        np.add.at(values[:, :, column], owners[inside], records["deltas"][inside])
    parts = headers["sealed_part"].astype(np.int64)
    np.maximum.at(parts, owners[live], records["part"][live])
    return Counts(values, parts, np.array(damaged, bool))


@cache
def header_type(measures: int) -> "np.dtype[np.void]":
    """The layout of a header."""
    fields = [("version", "u1"), ("measures", "u1"), ("zero", "<u2"), ("sealed_part", "<i4")]
    return np.dtype([*fields, ("sums", "<i8", (measures,))])


@cache
def record_type(measures: int) -> "np.dtype[np.void]":
    """The layout of a record."""
    fields = [("part", "<i4"), ("bucket", "<i4"), ("events", "<i4")]
    return np.dtype([*fields, ("deltas", "<i4", (measures,))])


@cache
def _blank(measures: int) -> bytes:
    return pack(Tile(sums=(0,) * measures))

"""Live tiles: what happened to one entity since its last stored row, and how it is summed at read.

A tile is one string, little-endian:

    header   u8 version · u8 M measures · u16 0 · i32 sealed_part · M × i64 all-time sums
    record   i32 part · i32 bucket · i32 events · M × i32 deltas        (any number, any order)

A record is what the events of one part added to one day-bucket.  `events` counts them, so that a
record whose deltas cancel out still tells that the entity was met.  `sealed_part` (−1: nothing is
sealed) and the sums make room for sealed counts in the same string; here every record is live.
Nothing is aged on a schedule: windows are applied when a tile is read.  `live.lua` writes the same
format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from feature_repo.instants import DAY

VERSION = 1
NOTHING_SEALED = -1

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TileRecord:
    """What the events of one part added to one bucket."""

    part: int
    bucket: int
    events: int
    deltas: tuple[int, ...]


@dataclass(frozen=True)
class Counts:
    """The sums of N tiles of M measures over W windows.

    Attributes:
        values: shape (N, M, W).
        present: shape (N,): whether a tile has anything that counts.
        damaged: shape (N,): whether a tile could not be read; it then counts as empty.
    """

    values: Ints
    present: npt.NDArray[np.bool_]
    damaged: npt.NDArray[np.bool_]


def pack(records: Sequence[TileRecord], measures: int) -> bytes:
    """Write a tile of live records."""
    header = np.zeros((), dtype=_header(measures))
    header["version"], header["measures"] = VERSION, measures
    header["sealed_part"] = NOTHING_SEALED
    rows = [(r.part, r.bucket, r.events, r.deltas) for r in records]
    return header.tobytes() + np.array(rows, dtype=_record(measures)).tobytes()


def unpack(tile: bytes, measures: int) -> list[TileRecord]:
    """Read a tile's records.

    Raises:
        ValueError: not a tile of so many measures.
    """
    if not is_tile(tile, measures):
        raise ValueError(f"expected a tile of {measures} measures, found {tile[:16]!r}")
    rows = np.frombuffer(tile, _record(measures), offset=_header(measures).itemsize)
    return [
        TileRecord(int(r["part"]), int(r["bucket"]), int(r["events"]), tuple(map(int, r["deltas"])))
        for r in rows
    ]


def is_tile(tile: bytes, measures: int) -> bool:
    """Whether the bytes have the form of a tile of so many measures."""
    body = len(tile) - _header(measures).itemsize
    return (
        body >= 0
        and tile[0] == VERSION
        and tile[1] == measures
        and body % _record(measures).itemsize == 0
    )


def count(
    tiles: Sequence[bytes | None],
    t: int,
    windows: Sequence[int | None],
    after_part: npt.ArrayLike,
    *,
    measures: int,
) -> Counts:
    """Sum N tiles over W windows as of an instant, leaving out what stored rows contain.

    Args:
        tiles: one per entity; None where there is none.
        t: instant of the read, µs.
        windows: lengths in day-buckets, the current one included; None has no end.
        after_part: shape (N,); records of this part and before are in the entity's stored row.
        measures: M.
    """
    damaged = np.array([bool(tile) and not is_tile(_bytes(tile), measures) for tile in tiles], bool)
    skip = _header(measures).itemsize
    bodies = [_bytes(tile)[skip:] if ok else b"" for tile, ok in zip(tiles, ~damaged, strict=True)]
    records = np.frombuffer(b"".join(bodies), _record(measures))
    sizes = [len(body) // _record(measures).itemsize for body in bodies]
    owners = np.repeat(np.arange(len(tiles)), sizes)
    live = records["part"] > np.asarray(after_part, dtype=np.int64)[owners]
    values = np.zeros((len(tiles), measures, len(windows)), dtype=np.int64)
    for column, window in enumerate(windows):
        inside = live if window is None else live & (records["bucket"] > t // DAY - window)
        np.add.at(values[:, :, column], owners[inside], records["deltas"][inside])
    present = np.bincount(owners[live], minlength=len(tiles)) > 0
    return Counts(values, present, damaged)


def _bytes(tile: bytes | None) -> bytes:
    return tile or b""


@cache
def _header(measures: int) -> "np.dtype[np.void]":
    fields = [("version", "u1"), ("measures", "u1"), ("zero", "<u2"), ("sealed_part", "<i4")]
    return np.dtype([*fields, ("sums", "<i8", (measures,))])


@cache
def _record(measures: int) -> "np.dtype[np.void]":
    fields = [("part", "<i4"), ("bucket", "<i4"), ("events", "<i4")]
    return np.dtype([*fields, ("deltas", "<i4", (measures,))])

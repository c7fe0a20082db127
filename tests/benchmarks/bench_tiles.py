"""Counts of 200 items over four windows from live tiles: arrays at once, against record by record.

python -m tests.benchmarks tiles
"""

from functools import partial
from statistics import median
from timeit import repeat

import numpy as np

from feature_repo.counters import WINDOWS
from feature_repo.instants import DAY
from feature_repo.online.tiles import TileRecord, count, pack, unpack

ITEMS, RECORDS, PARTS, TODAY, RUNS = 200, 12, 6, 20_000, 15
SPANS = tuple(WINDOWS.values())


def main() -> dict[str, object]:
    """Medians in seconds, after the two agree."""
    tiles = [_tile(np.random.default_rng(n)) for n in range(ITEMS)]
    after = [TODAY - PARTS + n % PARTS for n in range(ITEMS)]
    fast = partial(count, tiles, TODAY * DAY + 1, SPANS, after, measures=2)
    slow = partial(_record_by_record, tiles, after)
    np.testing.assert_array_equal(fast().values, slow())
    arrays, loop = (median(repeat(one, number=1, repeat=RUNS)) for one in (fast, slow))
    return {
        "what": f"counts of {ITEMS} tiles of {RECORDS} records over {len(SPANS)} windows",
        "arrays_seconds": arrays,
        "loop_seconds": loop,
        "ratio": loop / arrays,
    }


def _tile(chance: np.random.Generator) -> bytes:
    return pack(
        [
            TileRecord(
                part=TODAY - int(chance.integers(PARTS)),
                bucket=TODAY - int(chance.integers(40)),
                events=1,
                deltas=(int(chance.integers(9)), int(chance.integers(3))),
            )
            for _ in range(RECORDS)
        ],
        measures=2,
    )


def _record_by_record(tiles: list[bytes], after: list[int]) -> np.ndarray:
    sums = np.zeros((len(tiles), 2, len(SPANS)), dtype=np.int64)
    for n, (tile, part) in enumerate(zip(tiles, after, strict=True)):
        for record in unpack(tile, 2):
            for column, days in enumerate(SPANS):
                inside = days is None or record.bucket > TODAY - days
                if inside and record.part > part:
                    sums[n, :, column] += record.deltas
    return sums

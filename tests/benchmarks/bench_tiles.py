"""Compare vectorized counts of N items over four windows of live tiles with a loop over records.

python -m tests.benchmarks tiles
"""

from functools import partial

import numpy as np

from feature_repo.home import DAY
from feature_repo.online.codec.counter_tiles import SEALED, Tile, TileRecord, count, pack, unpack
from feature_repo.views import WINDOWS
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.measuring import Costs, costs
from tests.benchmarks.plot import draw

ITEMS, RECORDS, TODAY = (20, 200, 2_000), 12, 20_000
TIMES, RUNS = 9, 3
SPANS = tuple(WINDOWS.values())


def main() -> dict[str, object]:
    """Return the best medians of three runs at each size, after the two agree."""
    sizes = {str(items): _at(items) for items in ITEMS}
    lines = {
        name: {float(items): measured[name]["seconds"] for items, measured in sizes.items()}
        for name in ("arrays", "loop")
    }
    draw(RESULTS / "tiles.svg", "Counts from tiles", "items", {"seconds": lines})
    return {
        "what": f"counts of N tiles of {RECORDS} records over {len(SPANS)} windows",
        "sizes": sizes,
        "ratios": {
            items: measured["loop"]["seconds"] / measured["arrays"]["seconds"]
            for items, measured in sizes.items()
        },
    }


def _at(items: int) -> Costs:
    tiles = [_tile(np.random.default_rng(n)) for n in range(items)]
    fast = partial(count, tiles, TODAY * DAY + 1, SPANS, measures=2)
    slow = partial(_record_by_record, tiles)
    np.testing.assert_array_equal(fast().values, slow())
    return costs({"arrays": (fast, TIMES), "loop": (slow, TIMES)}, runs=RUNS)


def _tile(chance: np.random.Generator) -> bytes:
    """Return a tile of ten sealed days of the last month and two live records since."""
    days = chance.choice(30, RECORDS - 2, replace=False)
    keys = [*((SEALED, TODAY - int(day)) for day in days), (TODAY - 1, TODAY), (TODAY, TODAY)]
    deltas = [(int(chance.integers(9)), int(chance.integers(3))) for _ in keys]
    records = (TileRecord(*key, 1, d) for key, d in zip(keys, deltas, strict=True))
    return pack(Tile(tuple(records), (1000, 50), TODAY - 1))


def _record_by_record(tiles: list[bytes]) -> np.ndarray:
    counts = np.zeros((len(tiles), 2, len(SPANS)), dtype=np.int64)
    for n, packed in enumerate(tiles):
        tile = unpack(packed)
        for column, days in enumerate(SPANS):
            counts[n, :, column] = (0, 0) if days else tile.sums
            for record in tile.records:
                live = record.part > tile.sealed_part
                counted = (live or record.part == SEALED) if days else live
                if counted and (days is None or record.bucket > TODAY - days):
                    counts[n, :, column] += record.deltas
    return counts

"""Writes the sums of a counter view to Redis as sealed tiles, in batches.

One step replaces the sealed records of a tile and removes the live records that they contain.  A
read before it and a read after it see the same counts, even if a load is late, repeated or killed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import redis

from feature_repo.home import RedisError
from feature_repo.online.codec.counter_tiles import (
    SEALED,
    VERSION,
    Ints,
    header_type,
    record_type,
    with_checksum,
)
from feature_repo.online.redis import FAILED, LiveKeys, Script
from feature_repo.views import CounterView

_TILES_PER_BATCH = 50_000
_TILES_PER_CALL = 100
_CALLS_PER_TRIP = 10


@dataclass(frozen=True)
class Written:
    """The number of entities that a load wrote, and the bytes of their values."""

    rows: int = 0
    bytes: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.rows + other.rows, self.bytes + other.bytes)


def seal(client: "redis.Redis", keys: LiveKeys, counter: CounterView, sums: pa.Table) -> Written:
    """Write the sealed tiles of N entities.

    Args:
        client: of one server, no cluster.
        keys: of the project.
        counter: of the view.
        sums: rows of `transformations/tiles.sql`, N of them.

    Raises:
        RedisError: the server does not run scripts, or refused a tile.
        redis.RedisError: the server does not answer.
    """
    entities, tiles = sums[counter.key].to_pylist(), pack_sealed(sums, counter)
    names = (keys.tile(counter.name, entity)[len(keys.prefix) :] for entity in entities)
    pairs, script = zip(names, tiles, strict=True), Script.load("checksum", "seal")
    while trip := list(islice(_calls(pairs), _CALLS_PER_TRIP)):
        if FAILED in script.run(client, keys.prefix, trip):
            raise RedisError(
                f"Redis refused tiles of {counter.name}; see its log, then load again."
            )
    return Written(len(tiles), sum(map(len, tiles)))


def load_tiles(
    client: "redis.Redis",
    keys: LiveKeys,
    counter: CounterView,
    folder: Path,
    since: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Written:
    """Seal the tiles of the entities whose counts changed at or after an instant.

    Args:
        client: of one server, no cluster.
        keys: of the project.
        counter: the view.
        folder: of its sums, as the transform writes them; absent before its first run.  If several
            files contain an entity, its latest sums remain, in any order of the files.
        since: µs.
        progress: receives the number of entities of each batch.

    Raises:
        RedisError, redis.RedisError: as `seal`.
    """
    written = Written()
    for path in sorted(folder.glob("*.parquet")):
        for sums in _sums(path, since):
            one = seal(client, keys, counter, sums)
            written += one
            progress(one.rows)
    return written


def _sums(path: Path, since: int) -> Iterator[pa.Table]:
    """Read the sums in a file that changed at or after an instant, in batches."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_TILES_PER_BATCH):
            sums = pa.table(batch)
            changed_at = sums["event_timestamp"].cast(pa.int64()).to_numpy()
            yield sums.filter(pa.array(changed_at >= since))


def pack_sealed(sums: pa.Table, counter: CounterView) -> list[bytes]:
    """Encode the sealed tiles of N entities."""
    sums = sums.combine_chunks()
    starts, records = _records(sums, counter)
    headers = np.zeros(sums.num_rows, header_type(len(counter.measures)))
    headers["version"], headers["measures"] = VERSION, len(counter.measures)
    headers["sealed_part"] = sums["part"].to_numpy()
    for n, measure in enumerate(counter.measures):
        headers["sums"][:, n] = sums[f"{measure}_all"].to_numpy()
    head, body = headers.tobytes(), records.tobytes()
    width, size = headers.itemsize, records.itemsize
    heads = (head[at : at + width] for at in range(0, len(head), width))
    return [
        with_checksum(one + body[first * size : last * size])
        for one, first, last in zip(heads, starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]


def _records(sums: pa.Table, counter: CounterView) -> tuple[Ints, np.ndarray]:
    """Return the sealed records of all entities end to end, and their starts, shape (N + 1,)."""
    lists = sums["buckets"].combine_chunks()
    starts = np.asarray(lists.offsets if sums.num_rows else [0], dtype=np.int64)
    records = np.zeros(len(lists.flatten()), record_type(len(counter.measures)))
    records["part"] = SEALED
    records["bucket"] = lists.flatten().to_numpy()
    records["events"] = sums["events"].combine_chunks().flatten().to_numpy()
    for n, measure in enumerate(counter.measures):
        records["deltas"][:, n] = sums[measure].combine_chunks().flatten().to_numpy()
    return starts - starts[0], records


def _calls(pairs: Iterator[tuple[str, bytes]]) -> Iterator[list[bytes]]:
    while batch := list(islice(pairs, _TILES_PER_CALL)):
        yield [word for name, tile in batch for word in (name.encode(), tile)]

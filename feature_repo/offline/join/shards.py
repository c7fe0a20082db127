"""Sorted keys in shards of neighbouring codes: each is sorted alone, so both cores work and the
scratch space is a shard's, not the source's.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from feature_repo.offline.join.key_codes import Codes
from feature_repo.offline.join.sorted_join import NO_ROW, AsOf, Known, Numbers
from feature_repo.offline.parquet import Instants

ROWS_PER_SHARD = 1 << 20
_SAMPLE = 8192

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shards:
    """`parts[n]` holds the codes from `edges[n - 1]` to below `edges[n]`."""

    parts: tuple[AsOf, ...]
    edges: Codes
    threads: int

    @classmethod
    def of(cls, known: Known, *, strict: bool, threads: int, expires: bool = False) -> "Shards":
        """Sort the rows; the arguments are those of `AsOf.of`."""
        edges = _edges(known.codes)
        if not edges.size:
            return cls((AsOf.of(known, strict=strict, expires=expires),), edges, threads)
        shard = np.searchsorted(edges, known.codes, side="right").astype(np.int16)

        def part(number: int) -> AsOf:
            some = known.some(np.flatnonzero(shard == number))
            return AsOf.of(some, strict=strict, expires=expires)

        return cls(tuple(_each(part, edges.size + 1, threads)), edges, threads)

    @property
    def nbytes(self) -> int:
        """What keeping them costs."""
        return sum(part.nbytes for part in self.parts)

    def find(self, codes: Codes, times: Instants, ttl: int = 0) -> Numbers:
        """As `AsOf.find`."""
        if len(self.parts) == 1:
            return self.parts[0].find(codes, times, ttl)
        shard = np.searchsorted(self.edges, codes, side="right")
        found = np.full(codes.size, NO_ROW, dtype=np.int64)

        def part(number: int) -> None:
            some = np.flatnonzero(shard == number)
            found[some] = self.parts[number].find(codes[some], times[some], ttl)

        _each(part, len(self.parts), self.threads)
        return found

    def newest(self) -> Numbers:
        """The last row of each key, by number."""
        return np.sort(np.concatenate([part.newest() for part in self.parts]))


def _edges(codes: Codes) -> Codes:
    """Codes at which the rows part into shards of about the same size."""
    shards = -(-codes.size // ROWS_PER_SHARD)
    if shards < 2:
        return np.empty(0, dtype=np.int64)
    sample = np.sort(codes[:: max(1, codes.size // _SAMPLE)])
    inner = sample[np.arange(1, shards) * sample.size // shards]
    return np.unique(inner).astype(np.int64)


def _each(one: Callable[[int], Result], count: int, threads: int) -> list[Result]:
    with ThreadPoolExecutor(threads) as workers:
        return list(workers.map(one, range(count)))

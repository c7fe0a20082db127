"""Sorted rows in shards of neighbouring key codes.

Each shard is sorted separately, so that all cores work and a sort needs little scratch space.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from feature_repo.offline.join.key_codes import Codes
from feature_repo.offline.join.sorted_join import NO_ROW, KeyRows, RowNumbers, SortedRows
from feature_repo.offline.parquet import Instants

ROWS_PER_SHARD = 1 << 20
_SAMPLE = 8192

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shards:
    """Shards of sorted rows: `parts[n]` has the codes from `edges[n - 1]` to below `edges[n]`."""

    parts: tuple[SortedRows, ...]
    edges: Codes
    threads: int

    @classmethod
    def of(cls, rows: KeyRows, *, strict: bool, threads: int, expires: bool = False) -> "Shards":
        """Sort the rows; takes the arguments of `SortedRows.of`."""
        edges = _edges(rows.codes)
        if not edges.size:
            return cls((SortedRows.of(rows, strict=strict, expires=expires),), edges, threads)
        shard = np.searchsorted(edges, rows.codes, side="right").astype(np.int16)

        def sort(number: int) -> SortedRows:
            part = rows.take(np.flatnonzero(shard == number))
            return SortedRows.of(part, strict=strict, expires=expires)

        return cls(tuple(_map(sort, edges.size + 1, threads)), edges, threads)

    @property
    def nbytes(self) -> int:
        """Memory that the shards need."""
        return sum(part.nbytes for part in self.parts)

    def find(self, codes: Codes, times: Instants, ttl: int = 0) -> RowNumbers:
        """Find the newest row of each key at each time, as `SortedRows.find` does."""
        if len(self.parts) == 1:
            return self.parts[0].find(codes, times, ttl)
        shard = np.searchsorted(self.edges, codes, side="right")
        rows = np.full(codes.size, NO_ROW, dtype=np.int64)

        def find(number: int) -> None:
            of_shard = np.flatnonzero(shard == number)
            rows[of_shard] = self.parts[number].find(codes[of_shard], times[of_shard], ttl)

        _map(find, len(self.parts), self.threads)
        return rows

    def newest(self) -> RowNumbers:
        """Return the newest row of each key, in ascending order."""
        return np.sort(np.concatenate([part.newest() for part in self.parts]))


def _edges(codes: Codes) -> Codes:
    """Return the codes that split the rows into shards of about the same size."""
    shards = -(-codes.size // ROWS_PER_SHARD)
    if shards < 2:
        return np.empty(0, dtype=np.int64)
    # Quantiles of a sample are close enough, and cheap.
    sample = np.sort(codes[:: max(1, codes.size // _SAMPLE)])
    inner = sample[np.arange(1, shards) * sample.size // shards]
    return np.unique(inner).astype(np.int64)


def _map(function: Callable[[int], Result], count: int, threads: int) -> list[Result]:
    with ThreadPoolExecutor(threads) as workers:
        return list(workers.map(function, range(count)))

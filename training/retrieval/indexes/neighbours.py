"""Neighbours of items: the index of co-visitation and item-to-item retrieval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError
from training.retrieval.catalogue import RankedList

FILE = "neighbours.parquet"
MOST = 50
"""Maximum number of neighbours of an item."""

MOST_SEEDS = 50


@dataclass(frozen=True)
class Neighbours:
    """Directed pairs of items.

    Attributes:
        pairs: item_id, other_id, score; sorted by item, descending score, other.
    """

    pairs: pa.Table

    @classmethod
    def of(cls, pairs: pa.Table) -> "Neighbours":
        """Sort pairs into an index."""
        keys = [("item_id", "ascending"), ("score", "descending"), ("other_id", "ascending")]
        return cls(pairs.select(["item_id", "other_id", "score"]).sort_by(keys))

    def search(
        self, seeds: Sequence[str], size: int, weights: Sequence[float] | None = None
    ) -> RankedList:
        """Return the neighbours of some items together, without these items.

        Args:
            seeds: S item ids, the most important first.
            size: the maximum number of items.
            weights: S numbers; 1 each where absent.  A neighbour's score is the weighted sum.
        """
        scores: dict[str, float] = {}
        counted = weights or [1.0] * len(seeds)
        for seed, weight in list(zip(seeds, counted, strict=True))[:MOST_SEEDS]:
            start, end = self._span.get(seed, (0, 0))
            for other, score in zip(
                self._others[start:end], self._scores[start:end].tolist(), strict=True
            ):
                scores[other] = scores.get(other, 0.0) + weight * score
        for seed in seeds:
            scores.pop(seed, None)
        return RankedList.best(scores, size)

    def save(self, folder: Path) -> None:
        """Write the pairs into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.pairs, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Neighbours":
        """Read the pairs.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            return cls(pq.read_table(folder / FILE, columns=["item_id", "other_id", "score"]))
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(f"{folder / FILE}: expected pairs of items: {error}.") from None

    @cached_property
    def _others(self) -> list[str]:
        others: list[str] = self.pairs["other_id"].to_pylist()
        return others

    @cached_property
    def _scores(self) -> npt.NDArray[np.float64]:
        scores: npt.NDArray[np.float64] = self.pairs["score"].to_numpy()
        return scores

    @cached_property
    def _span(self) -> dict[str, tuple[int, int]]:
        """Start and end of each item's rows among the pairs."""
        ids: list[str] = self.pairs["item_id"].to_pylist()
        starts = [n for n, item in enumerate(ids) if n == 0 or ids[n - 1] != item]
        ends = [*starts[1:], len(ids)]
        return {ids[start]: (start, end) for start, end in zip(starts, ends, strict=False)}

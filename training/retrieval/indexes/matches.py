"""The items that match concepts of a query, and which concepts an item lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from training.retrieval.catalogue import Flags, Rows, highest
from training.retrieval.indexes.bm25 import Weights

MOST_HITS = 10_000
MOST_CONCEPTS = 32
Masks = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Matches:
    """The M items that have at least one of W concepts.

    Attributes:
        positions: shape (M,), of the items, in the order of their ids.
        scores: shape (M,), BM25.
        masks: shape (M,), bit n says whether an item has concept n.
        informativeness: W, by concept; 0 of one that items need not have.
    """

    positions: Rows
    scores: Weights
    masks: Masks
    informativeness: Sequence[float]

    @cached_property
    def counts(self) -> npt.NDArray[np.uint8]:
        """Shape (M,): number of concepts that each item has."""
        counts: npt.NDArray[np.uint8] = np.bitwise_count(self.masks)
        return counts

    @property
    def required(self) -> int:
        """Bits of the concepts that items must have."""
        return sum(1 << n for n, one in enumerate(self.informativeness) if one)

    @cached_property
    def satisfiable(self) -> int:
        """Bits of the required concepts that the most informative match has.

        These are all, if some item has them all; else the least informative ones are given up.
        """
        required = self.required
        if not self.masks.size or (self.masks & required == required).any():
            return required if self.masks.size else 0
        best = np.lexsort((self.masks, -self.coverage))[0]
        return int(self.masks[best]) & required

    @cached_property
    def coverage(self) -> Weights:
        """Shape (M,): informativeness of the concepts that each item has."""
        total = np.zeros(self.masks.size, np.float32)
        for n, one in enumerate(self.informativeness):
            total += np.where(self.masks & np.uint32(1 << n), np.float32(one), np.float32(0))
        return total

    def select(self, selected: Flags | Rows) -> "Matches":
        """Return some of the matches, in their order."""
        return Matches(
            self.positions[selected],
            self.scores[selected],
            self.masks[selected],
            self.informativeness,
        )

    def with_all(self, concepts: int) -> "Matches":
        """Return the items with all of some concepts."""
        bits = np.uint32(concepts)
        return self.select(self.masks & bits == bits)

    def best(self, size: int, *, by_coverage: bool = False) -> tuple[Rows, Weights]:
        """Return positions and scores of the best items, by BM25, or by BM25 times coverage."""
        order = highest(self.scores * self.coverage if by_coverage else self.scores, size)
        return self.positions[order], self.scores[order]

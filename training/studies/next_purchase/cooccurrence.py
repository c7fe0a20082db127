"""Co-occurrence: counts of pairs in one context, such as an order or a session."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from training.metrics import highest_entries

Indices = npt.NDArray[np.int64]
Sparse = Any
"""scipy.sparse.csr_array of float64."""


@dataclass(frozen=True)
class Cooccurrences:
    """Counts of pairs in one context.

    Attributes:
        pairs: shape (N, N), symmetric, empty diagonal; number of contexts with both entities.
        contexts: shape (N,); number of contexts with each entity.
    """

    pairs: Sparse
    contexts: npt.NDArray[np.float64]

    @classmethod
    def count(cls, entity: Indices, context: Indices, size: int) -> "Cooccurrences":
        """Count the pairs of M visits.

        Args:
            entity: shape (M,), from 0 to size - 1.
            context: shape (M,), any numbers; the same pair twice in one context counts once.
            size: number N of entities.
        """
        _, row = np.unique(context, return_inverse=True)
        visits = sparse.csr_array((np.ones(row.size), (row, entity)), shape=(_height(row), size))
        visits.data[:] = 1.0
        pairs = sparse.csr_array(visits.T @ visits)
        contexts = pairs.diagonal()
        pairs.setdiag(0.0)
        pairs.eliminate_zeros()
        return cls(pairs, contexts)

    def cosines(self, neighbours: int) -> Sparse:
        """Return pairs / √(contexts of one · of the other), shape (N, N), the highest of each row.

        Item-based collaborative filtering (Sarwar et al. 2001).
        """
        scale = 1 / np.sqrt(np.maximum(self.contexts, 1.0))
        cosines = sparse.csr_array(self.pairs.multiply(scale[:, None]).multiply(scale[None, :]))
        return highest_entries(cosines, neighbours)


def _height(row: Indices) -> int:
    return int(row.max()) + 1 if row.size else 0

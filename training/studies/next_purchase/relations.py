"""Which items go with which, refitted on fixed dates: a decision reads what existed at its time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY
from training.retrieval.indexes import Cooccurrences, DatedArtifacts, Embeddings, Vectors
from training.studies.next_purchase.history import History, Ints

REFIT_DAYS = 28
NEIGHBOURS = 100
LARGEST_BASKET = 150
"""Baskets with more items say little of each, and their pairs grow with the square."""


@dataclass(frozen=True)
class Relations:
    """What one fit found.

    Attributes:
        at: instant from which it may be used; it saw what was known before.
        together: shape (N, N), cosines of items in one basket.
        embeddings: of the items that had been bought by then.
        vectors: shape (N, D), theirs; zeros for the others.
    """

    at: int
    together: Any
    embeddings: Embeddings
    vectors: Vectors

    @classmethod
    def fit(cls, history: History, at: int) -> "Relations":
        """Fit on the baskets known strictly before `at`."""
        known = int(np.searchsorted(history.seen_at, at, side="left"))
        basket, item = _of_usual_size(history.basket[:known], history.item[:known])
        pairs = Cooccurrences.count(item, basket, len(history.items))
        embeddings = Embeddings.fit([("item", name) for name in history.items], item, basket, at)
        return cls(at, pairs.cosines(NEIGHBOURS), embeddings, embeddings.vectors)


def dated_relations(history: History, first: int, last: int) -> DatedArtifacts[Relations]:
    """Fits for every `REFIT_DAYS` from `first` to `last`."""
    return DatedArtifacts(
        [Relations.fit(history, at) for at in range(first, last + 1, REFIT_DAYS * DAY)]
    )


def _of_usual_size(basket: Ints, item: Ints) -> tuple[Ints, Ints]:
    _, number, sizes = np.unique(basket, return_inverse=True, return_counts=True)
    usual = sizes[number] <= LARGEST_BASKET
    return basket[usual], item[usual]

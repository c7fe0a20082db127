"""Item relations, refitted on fixed dates: a decision reads the newest fit before it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_repo.home import DAY
from training.studies.next_purchase.cooccurrence import Cooccurrences
from training.studies.next_purchase.dated import DatedArtifacts
from training.studies.next_purchase.history import History, Ints

REFIT_DAYS = 28
NEIGHBOURS = 100
LARGEST_BASKET = 150
"""Larger baskets are weak evidence for each pair, and their pairs grow quadratically in number."""


@dataclass(frozen=True)
class Relations:
    """The relations of one fit.

    Attributes:
        at: decisions may use the fit from this instant; it learned from purchases seen before.
        together: shape (N, N), cosines of items in one basket.
    """

    at: int
    together: Any

    @classmethod
    def fit(cls, history: History, at: int) -> "Relations":
        """Fit on the baskets known strictly before `at`."""
        rows_seen = int(np.searchsorted(history.seen_at, at, side="left"))
        basket, item = _without_large_baskets(history.basket[:rows_seen], history.item[:rows_seen])
        pairs = Cooccurrences.count(item, basket, len(history.items))
        return cls(at, pairs.cosines(NEIGHBOURS))


def dated_relations(history: History, first: int, last: int) -> DatedArtifacts[Relations]:
    """Fits for every `REFIT_DAYS` from `first` to `last`."""
    return DatedArtifacts(
        [Relations.fit(history, at) for at in range(first, last + 1, REFIT_DAYS * DAY)]
    )


def _without_large_baskets(basket: Ints, item: Ints) -> tuple[Ints, Ints]:
    _, number, sizes = np.unique(basket, return_inverse=True, return_counts=True)
    small = sizes[number] <= LARGEST_BASKET
    return basket[small], item[small]

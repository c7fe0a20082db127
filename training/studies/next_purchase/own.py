"""What each user had bought before each decision, as sparse matrices of decisions by items."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from feature_repo.home import DAY
from training.metrics import exp2
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.history import Floats, History, Ints
from training.studies.next_purchase.occurrences import Occurrences

Sparse = Any
"""scipy.sparse.csr_array of float64."""


@dataclass(frozen=True)
class OwnPast:
    """The purchases that D decisions' users had made by then, M in all.

    Attributes:
        decision: shape (M,), sorted.
        row: shape (M,), rows of the history, rising within a decision.
    """

    history: History
    decisions: Decisions
    decision: Ints
    row: Ints

    @classmethod
    def of(cls, history: History, decisions: Decisions, by_user: Occurrences) -> "OwnPast":
        """Gather them; `by_user` are the history's rows by user."""
        counts = by_user.count(decisions.user, decisions.rows_seen)
        decision = np.repeat(np.arange(counts.size), counts)
        place = np.arange(decision.size) - np.repeat(np.cumsum(counts) - counts, counts)
        row = by_user.row(decisions.user[decision], place)
        return cls(history, decisions, decision, row)

    @property
    def age_days(self) -> Floats:
        """Shape (M,): days from each purchase to the decision."""
        days: Floats = (self.decisions.t[self.decision] - self.history.bought_at[self.row]) / DAY
        return days

    def decayed(self, half_life_days: float | None) -> Sparse:
        """Shape (D, N): purchases, each worth half after every half-life; without one, counts."""
        if half_life_days is None:
            return self.matrix(np.ones(self.row.size))
        return self.matrix(exp2(-self.age_days / half_life_days))

    def last_basket(self) -> Sparse:
        """Shape (D, N): 1 for the items of the last order known by then."""
        bought_at = self.history.bought_at[self.row]
        last = np.zeros(self.decisions.user.size, dtype=np.int64)
        np.maximum.at(last, self.decision, bought_at)
        return self.matrix((bought_at == last[self.decision]).astype(np.float64))

    def matrix(self, values: Floats) -> Sparse:
        """Shape (D, N): M values, summed up."""
        shape = (self.decisions.user.size, len(self.history.items))
        matrix = sparse.csr_array((values, (self.decision, self.history.item[self.row])), shape)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

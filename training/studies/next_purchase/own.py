"""Earlier purchases of each decision's user, as sparse matrices of decisions by items."""

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
    """The M earlier purchases of D decisions' users.

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
        """Collect the purchases; `by_user` has the history's rows by user."""
        counts = by_user.count(decisions.user, decisions.rows_seen)
        decision = np.repeat(np.arange(counts.size), counts)
        occurrence = np.arange(decision.size) - np.repeat(np.cumsum(counts) - counts, counts)
        row = by_user.row(decisions.user[decision], occurrence)
        return cls(history, decisions, decision, row)

    @property
    def age_days(self) -> Floats:
        """Return the days from each purchase to the decision, shape (M,)."""
        days: Floats = (self.decisions.t[self.decision] - self.history.bought_at[self.row]) / DAY
        return days

    def decayed(self, half_life_days: float | None) -> Sparse:
        """Return purchases (D, N), halved after each half-life; counts if there is no half-life."""
        if half_life_days is None:
            return self.matrix(np.ones(self.row.size))
        return self.matrix(exp2(-self.age_days / half_life_days))

    def last_basket(self) -> Sparse:
        """Return 1 for the items of the last order before the decision, shape (D, N)."""
        bought_at = self.history.bought_at[self.row]
        last = np.zeros(self.decisions.user.size, dtype=np.int64)
        np.maximum.at(last, self.decision, bought_at)
        return self.matrix((bought_at == last[self.decision]).astype(np.float64))

    def matrix(self, values: Floats) -> Sparse:
        """Return the sums of M values, shape (D, N)."""
        shape = (self.decisions.user.size, len(self.history.items))
        matrix = sparse.csr_array((values, (self.decision, self.history.item[self.row])), shape)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

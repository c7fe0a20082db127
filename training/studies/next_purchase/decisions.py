"""Decisions: each order of a user is an instant to rank items for, with the items bought."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.dataset import TEST, TRAIN, VALIDATE, time_split_bounds
from training.studies.next_purchase.history import GUEST, History, Ints


@dataclass(frozen=True)
class Decisions:
    """D orders of identified users, by (time, user).

    Attributes:
        user: shape (D,), indexes into the history's users.
        t: shape (D,), time of the order.
        rows_seen: shape (D,), number of history rows with `seen_at` before t.
        split: shape (D,), train, validate or test: the last 20 % of the time is test, the last
            20 % of the time before it validate.
        bought: D arrays of distinct items, sorted.
    """

    user: Ints
    t: Ints
    rows_seen: Ints
    split: npt.NDArray[np.str_]
    bought: tuple[Ints, ...]

    @classmethod
    def of(cls, history: History) -> "Decisions":
        """Return every order of an identified user."""
        rows = np.flatnonzero(history.user != GUEST)
        order = rows[
            np.lexsort((history.item[rows], history.basket[rows], history.bought_at[rows]))
        ]
        basket = history.basket[order]
        starts = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
        t = history.bought_at[order[starts]]
        return cls(
            user=history.user[order[starts]],
            t=t,
            rows_seen=np.searchsorted(history.seen_at, t, side="left"),
            split=_splits(t, int(history.bought_at.min()), int(history.bought_at.max())),
            bought=tuple(np.split(history.item[order], starts[1:])),
        )

    def part(self, chosen: Ints) -> "Decisions":
        """Return some decisions, in the order given."""
        bought = tuple(self.bought[index] for index in chosen)
        return Decisions(
            self.user[chosen], self.t[chosen], self.rows_seen[chosen], self.split[chosen], bought
        )

    def of_split(self, split: str) -> Ints:
        """Return the indexes of the decisions of a split."""
        return np.flatnonzero(self.split == split)


def _splits(t: Ints, first: int, last: int) -> npt.NDArray[np.str_]:
    validation_start, test_start = time_split_bounds(first, last)
    return np.where(t < validation_start, TRAIN, np.where(t < test_start, VALIDATE, TEST))

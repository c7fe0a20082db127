"""The moments at which a next purchase is ranked: a user's order, and what it came to hold."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.dataset import TEST, TEST_SHARE, TRAIN, VALIDATE, VALIDATE_SHARE
from training.studies.next_purchase.history import GUEST, History, Ints


@dataclass(frozen=True)
class Decisions:
    """D orders of known users, by (time, user).

    Attributes:
        user: shape (D,), places in the history's users.
        t: shape (D,), when the order was made.
        rows_seen: shape (D,), how many of the history's rows were known strictly before.
        split: shape (D,), train, validate or test: the last 20 % of the time is test, and of what
            is before the last 20 % validate.
        bought: D arrays of items, sorted, each once.
    """

    user: Ints
    t: Ints
    rows_seen: Ints
    split: npt.NDArray[np.str_]
    bought: tuple[Ints, ...]

    @classmethod
    def of(cls, history: History) -> "Decisions":
        """Every order of a known user."""
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
        """The chosen decisions, in the order given."""
        bought = tuple(self.bought[place] for place in chosen)
        return Decisions(
            self.user[chosen], self.t[chosen], self.rows_seen[chosen], self.split[chosen], bought
        )

    def of_split(self, split: str) -> Ints:
        """Places of the decisions of a split."""
        return np.flatnonzero(self.split == split)


def _splits(t: Ints, first: int, last: int) -> npt.NDArray[np.str_]:
    learned = first + (last - first) * (1 - TEST_SHARE)
    taught = first + (last - first) * (1 - TEST_SHARE) * (1 - VALIDATE_SHARE)
    return np.where(t < taught, TRAIN, np.where(t < learned, VALIDATE, TEST))

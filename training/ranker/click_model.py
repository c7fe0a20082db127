"""How likely an item was looked at where it stood, learned from clicks together with relevance.

A click needs examination and relevance.  Examination depends on the position and on where the last
click above was (the user browsing model of Dupret and Piwowarski, SIGIR 2008), which covers
position bias as well as shoppers who stop once they found something.  It is estimated by
regression-EM (Wang, Golbandi, Bendersky, Metzler and Najork, WSDM 2018): given what the trees think
of relevance, an item that was not clicked was overlooked with a certain probability.  The first
position counts as always looked at, which fixes the scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

POSITIONS = 20
"""Positions further down are taken together."""
LEAST = 0.01
_START, _STRENGTH = 0.8, 2.0
"""What is believed of a cell before any row is seen, and how many rows the belief is worth."""
_SETTLED, _MOST_STEPS = 1e-4, 200


@dataclass(frozen=True)
class Shown:
    """R impressions, sorted by slate and position, as far as examination is concerned.

    Attributes:
        clicked: shape (R,).
        position: shape (R,), place from 0, at most POSITIONS - 1.
        cell: shape (R,), which cell of the table each is in.
    """

    clicked: Bools
    position: Ints
    cell: Ints

    @classmethod
    def of(cls, clicked: Bools, position: Ints, qid: Ints) -> "Shown":
        """Cells of rows whose positions count from 1.

        >>> Shown.of(np.array([True, False]), np.array([1, 2]), np.array([0, 0])).cell % 21
        array([0, 1])
        """
        place = np.minimum(position - 1, POSITIONS - 1).astype(np.int64)
        starts = np.flatnonzero(np.r_[True, qid[1:] != qid[:-1]])
        first = np.repeat(starts, np.diff(np.r_[starts, qid.size]))
        row = np.arange(qid.size)
        upto = np.maximum.accumulate(np.where(clicked, row, -1))
        above = np.r_[-1, upto[:-1]]
        last = np.where(above >= first, place[above] + 1, 0)
        return cls(clicked, place, place * (POSITIONS + 1) + last)

    def rows(self, chosen: Bools) -> "Shown":
        """The chosen impressions."""
        return Shown(self.clicked[chosen], self.position[chosen], self.cell[chosen])


@dataclass(frozen=True)
class Examination:
    """A table of examination probabilities.

    Attributes:
        table: shape (POSITIONS * (POSITIONS + 1),), by position and last click above, 0 for none.
    """

    table: Floats

    @classmethod
    def unknown(cls) -> "Examination":
        """Before anything was learned."""
        return cls(np.full(POSITIONS * (POSITIONS + 1), _START))

    def of(self, shown: Shown) -> Floats:
        """Shape (R,): probability that each impression was looked at."""
        return self.table[shown.cell]

    def step(self, shown: Shown, relevance: Floats) -> "Examination":
        """One step of EM.

        Args:
            shown: R impressions.
            relevance: shape (R,), probability of a click once examined.
        """
        seen = self.of(shown)
        missed = seen * (1 - relevance) / (1 - seen * relevance)
        looked = np.where(shown.clicked, 1.0, missed)
        count = self.table.size
        table = (np.bincount(shown.cell, looked, count) + _STRENGTH * self.table) / (
            np.bincount(shown.cell, minlength=count) + _STRENGTH
        )
        return Examination(np.clip(table / table[0], LEAST, 1.0))

    def settled(self, shown: Shown, relevance: Floats) -> "Examination":
        """Steps until nothing moves, relevance given."""
        known = self
        for _ in range(_MOST_STEPS):
            better = known.step(shown, relevance)
            moved = np.abs(better.table - known.table).max()
            known = better
            if moved < _SETTLED:
                break
        return known

    def curve(self, shown: Shown) -> Floats:
        """Shape (K,): by position, the mean probability of being looked at, over these slates."""
        counts = np.bincount(shown.position)
        sums = np.bincount(shown.position, self.of(shown))
        curve: Floats = sums[counts > 0] / counts[counts > 0]
        return curve


def curves_by(
    groups: Mapping[str, npt.NDArray[Any]], shown: Shown, relevance: Floats, pooled: Examination
) -> dict[str, dict[str, list[float]]]:
    """Column → value → curve, each learned from that value's slates, from the pooled one on.

    Args:
        groups: columns of shape (R,), such as device and market.
        shown: R impressions.
        relevance: shape (R,).
        pooled: the examination of all.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for name, values in groups.items():
        known = np.array([value is not None for value in values])
        found[name] = {}
        for value in np.unique(values[known].astype(str)):
            mine = known & (values.astype(str) == value)
            part = shown.rows(mine)
            curve = pooled.settled(part, relevance[mine]).curve(part)
            found[name][str(value)] = [round(float(p), 4) for p in curve]
    return found

"""The click model: learn examination probabilities from clicks, together with relevance.

A click needs examination and relevance.  Examination depends on the position and on the position of
the last click above (the user browsing model of Dupret and Piwowarski, SIGIR 2008).  This covers
position bias and shoppers who stop after a click.  It is estimated by regression-EM (Wang,
Golbandi, Bendersky, Metzler and Najork, WSDM 2018): given the trees' relevance, an item without a
click was overlooked with a certain probability.  The first position counts as always examined,
which fixes the scale.
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
"""Number of positions with separate cells; lower ones share the last."""
LEAST = 0.01
_START, _STRENGTH = 0.8, 2.0
"""Prior of a cell, and the number of rows it is worth."""
_CONVERGED, _MOST_STEPS = 1e-4, 200


@dataclass(frozen=True)
class Shown:
    """Clicks and positions of R impressions, sorted by slate and position.

    Attributes:
        clicked: shape (R,).
        position: shape (R,), from 0 to POSITIONS - 1.
        cell: shape (R,), index into the examination table.
    """

    clicked: Bools
    position: Ints
    cell: Ints

    @classmethod
    def of(cls, clicked: Bools, position: Ints, qid: Ints) -> "Shown":
        """Return the impressions of rows whose positions count from 1.

        >>> Shown.of(np.array([True, False]), np.array([1, 2]), np.array([0, 0])).cell % 21
        array([0, 1])
        """
        index = np.minimum(position - 1, POSITIONS - 1).astype(np.int64)
        starts = np.flatnonzero(np.r_[True, qid[1:] != qid[:-1]])
        first = np.repeat(starts, np.diff(np.r_[starts, qid.size]))
        row = np.arange(qid.size)
        upto = np.maximum.accumulate(np.where(clicked, row, -1))
        above = np.r_[-1, upto[:-1]]
        last = np.where(above >= first, index[above] + 1, 0)
        return cls(clicked, index, index * (POSITIONS + 1) + last)

    def rows(self, chosen: Bools) -> "Shown":
        """Return some of the impressions."""
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
        """Return the prior."""
        return cls(np.full(POSITIONS * (POSITIONS + 1), _START))

    def of(self, shown: Shown) -> Floats:
        """Return the probability that each impression was examined, shape (R,)."""
        return self.table[shown.cell]

    def step(self, shown: Shown, relevance: Floats) -> "Examination":
        """Return the table after one step of EM.

        Args:
            shown: R impressions.
            relevance: shape (R,), probability of a click once examined.
        """
        prior = self.of(shown)
        overlooked = prior * (1 - relevance) / (1 - prior * relevance)
        examined = np.where(shown.clicked, 1.0, overlooked)
        count = self.table.size
        table = (np.bincount(shown.cell, examined, count) + _STRENGTH * self.table) / (
            np.bincount(shown.cell, minlength=count) + _STRENGTH
        )
        return Examination(np.clip(table / table[0], LEAST, 1.0))

    def converged(self, shown: Shown, relevance: Floats) -> "Examination":
        """Return the table after steps until it converges, with fixed relevance."""
        current = self
        for _ in range(_MOST_STEPS):
            following = current.step(shown, relevance)
            change = np.abs(following.table - current.table).max()
            current = following
            if change < _CONVERGED:
                break
        return current

    def curve(self, shown: Shown) -> Floats:
        """Return the mean examination by position over these slates, shape (K,)."""
        counts = np.bincount(shown.position)
        sums = np.bincount(shown.position, self.of(shown))
        curve: Floats = sums[counts > 0] / counts[counts > 0]
        return curve


def curves_by(
    groups: Mapping[str, npt.NDArray[Any]], shown: Shown, relevance: Floats, pooled: Examination
) -> dict[str, dict[str, list[float]]]:
    """Return column → value → curve, each learned from that value's slates.

    Args:
        groups: columns of shape (R,), such as device and market.
        shown: R impressions.
        relevance: shape (R,).
        pooled: the examination of all slates, the start for each value.
    """
    curves: dict[str, dict[str, list[float]]] = {}
    for name, values in groups.items():
        present = np.array([value is not None for value in values])
        curves[name] = {}
        for value in np.unique(values[present].astype(str)):
            rows = present & (values.astype(str) == value)
            part = shown.rows(rows)
            curve = pooled.converged(part, relevance[rows]).curve(part)
            curves[name][str(value)] = [round(float(p), 4) for p in curve]
    return curves

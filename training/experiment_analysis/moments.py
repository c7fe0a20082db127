"""Sums of a table of units, from which every comparison of two variants follows.

Sums of two groups of units add up to the sums of both, so segments, days and peeks are additions,
and no comparison needs the units again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

UNITS = "units"
"""The column that is 1 for each unit; as a denominator it makes a ratio a mean per unit."""


@dataclass(frozen=True)
class Moments:
    """Sums over units and sums of products, of one or of many groups of units.

    Attributes:
        columns: names of K columns; one is `UNITS`.
        sums: shape (..., K).
        products: shape (..., K, K).
    """

    columns: tuple[str, ...]
    sums: Floats
    products: Floats

    @classmethod
    def of(cls, columns: Sequence[str], values: Floats) -> "Moments":
        """Sum N units; values of shape (..., N, K) without the column `UNITS`."""
        units = np.concatenate([np.ones_like(values[..., :1]), values], axis=-1)
        products = np.swapaxes(units, -1, -2) @ units
        return cls((UNITS, *columns), units.sum(axis=-2), products)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.columns, self.sums + other.sums, self.products + other.products)

    def at(self, index: Any) -> "Moments":
        """Return the groups at an index of the leading axes."""
        return Moments(self.columns, self.sums[index], self.products[index])

    def only(self, columns: Sequence[str]) -> "Moments":
        """Return the moments of some columns and of `UNITS`."""
        names = (UNITS, *dict.fromkeys(name for name in columns if name != UNITS))
        rows = [self.columns.index(name) for name in names]
        return Moments(names, self.sums[..., rows], self.products[..., rows, :][..., rows])

    def total(self) -> "Moments":
        """Return the sum over the first axis."""
        return Moments(self.columns, self.sums.sum(axis=0), self.products.sum(axis=0))

    def cumulative(self, axis: int) -> "Moments":
        """Return running sums along an axis of the groups, counted from the first."""
        return Moments(self.columns, self.sums.cumsum(axis), self.products.cumsum(axis))

    @property
    def count(self) -> Floats:
        """Number of units, shape (...)."""
        return self.sum(UNITS)

    def sum(self, column: str) -> Floats:
        """Sum of a column, shape (...)."""
        values: Floats = self.sums[..., self.columns.index(column)]
        return values

    def mean(self, column: str) -> Floats:
        """Mean of a column over the units, shape (...); NaN without units."""
        return divide(self.sum(column), self.count)

    def covariance(self) -> Floats:
        """Unbiased covariance of the columns, shape (..., K, K); NaN under two units."""
        count = self.count[..., None, None]
        outer = self.sums[..., :, None] * self.sums[..., None, :]
        centred = self.products - divide(outer, count)
        return divide(centred, np.where(count > 1, count - 1, 0))


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    quotient: Floats = np.full(shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) != 0)
    return quotient

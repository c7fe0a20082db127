"""Each candidate relative to the others of its slate; its position is never a feature.

A price is high or low only relative to the other candidates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import (
    Floats,
    ItemValues,
    RatePrior,
    RequestContext,
    entity_slice,
)
from feature_repo.request_features.families.ages import age_seconds
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.rates import click_rates
from feature_repo.request_features.families.stored import WINDOWS
from feature_repo.request_features.families.text_match import NAMES, matches
from feature_repo.shop import Shop

_MATCHES = slice(2, 4)
_TEXTS = NAMES[_MATCHES]
_MEASURES = ("rank", "difference", "ratio")


def slate(context: RequestContext, shop: Shop, prior: RatePrior) -> Columns:
    """`slate__size`; `…_rank`, `…_difference`, `…_ratio` of numbers; `…_frequency` of values."""
    numbers, times = shop.columns_of("number"), shop.columns_of("time")
    table = np.concatenate(
        [
            context.item_table(named("item_attributes__{}", numbers)),
            age_seconds(context, shop),
            entity_slice(click_rates(context, prior), "item"),
            matches(context, shop)[_MATCHES],
        ]
    )
    compared = (*numbers, *times, *named("rate_{}", WINDOWS), *named("text_{}", _TEXTS))
    values = context.taste_values(shop.taste_columns)
    return [
        Block(("slate__size",), [len(context.item_ids)]),
        Block(named("slate__{}_{}", compared, _MEASURES), _compared(table)),
        Block(
            named("slate__{}_frequency", shop.taste_columns),
            values.by_field(_frequencies(values.items, len(context.item_ids))),
        ),
    ]


def distance_to_median(values: Floats, first: int | None = None) -> Floats:
    """Return each number minus the median, of the `first` few numbers if given.

    >>> distance_to_median(np.array([10.0, 20, 40, 15, 5])).tolist()
    [-5.0, 5.0, 25.0, 0.0, -10.0]
    """
    distances: Floats = values - medians(values[None, :first])
    return distances


def frequency(values: ItemValues) -> Floats:
    """Return the share of the slate's items with a candidate's value; for a list, the mean.

    >>> frequency(ItemValues.of(["a", "b", "c", "a", "b"])).tolist()
    [0.4, 0.4, 0.2, 0.4, 0.4]
    """
    return _frequencies(values, values.sizes.size)


def _frequencies(values: ItemValues, size: int) -> Floats:
    times = np.bincount(values.codes)[values.codes].astype(np.float64)
    return values.means(times / max(size, 1))


def medians(table: Floats) -> Floats:
    """Return the median of each row of (C, N), shape (C,); NaN for a row without numbers."""
    return _Ordered.of(table).medians()


def ranks(table: Floats) -> Floats:
    """Return the share of the row's numbers that are lower, shape (C, N); equals count half."""
    return _Ordered.of(table).ranks()


def _compared(table: Floats) -> Floats:
    """`_MEASURES` of each number of (C, N), shape (C, 3, N)."""
    ordered = _Ordered.of(table)
    compared = np.empty((len(table), len(_MEASURES), table.shape[1]))
    middle = ordered.medians()[:, None]
    compared[:, 0] = ordered.ranks()
    np.subtract(table, middle, out=compared[:, 1])
    np.divide(table, np.where(middle == 0, np.nan, middle), out=compared[:, 2])
    return compared


@dataclass(frozen=True)
class _Ordered:
    """The numbers of each row of a table (C, N) in ascending order, NaN last.

    Attributes:
        numbers: shape (C, N).
        starts: shape (C, 1), the index of each row's start in the flat table.
        indexes: shape (C, N), the index of each number in the flat table.
        sizes: shape (C,), how many numbers of a row are not NaN.
    """

    numbers: Floats
    starts: npt.NDArray[np.int64]
    indexes: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: Floats) -> "_Ordered":
        starts = np.arange(len(table))[:, None] * table.shape[1]
        indexes = np.argsort(table, axis=1)
        indexes += starts
        sizes = table.shape[1] - np.isnan(table).sum(axis=1)
        return cls(table.take(indexes), starts, indexes, sizes)

    def medians(self) -> Floats:
        """Return the medians; a row without numbers ends in NaN, which index −1 reads."""
        if not self.numbers.size:
            return np.full(self.sizes.size, np.nan)
        rows, low, high = np.arange(self.sizes.size), (self.sizes - 1) // 2, self.sizes // 2
        middle: Floats = (self.numbers[rows, low] + self.numbers[rows, high]) / 2
        return middle

    def ranks(self) -> Floats:
        """Return the ranks in the order of the table.

        Equal numbers form a run; each number of a run gets the run's mean rank.
        """
        shape = self.numbers.shape
        # A run starts at each row's first number, and where a number differs from the one before.
        is_start = np.ones(self.numbers.size + 1, bool)
        within = is_start[:-1].reshape(shape)[:, 1:]
        np.not_equal(self.numbers[:, 1:], self.numbers[:, :-1], out=within)
        starts_of_runs = np.flatnonzero(is_start)
        first, end = starts_of_runs[:-1], starts_of_runs[1:]
        # A run's mean rank is the mean of its first and last index, counted from the row's start.
        middles = ((first + end - 1) / 2).repeat(end - first).reshape(shape) - self.starts
        shares = middles / np.maximum(self.sizes - 1, 1)[:, None]
        np.copyto(shares, np.nan, where=np.isnan(self.numbers))
        unordered = np.empty(shape)
        unordered.put(self.indexes, shares)
        return unordered

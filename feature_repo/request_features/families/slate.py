"""Each candidate among the others of its slate; never its position.

A number says little by itself: a price is high or low among what stands beside it.
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
        Block(named("slate__{}_{}", compared, _MEASURES), _among(table)),
        Block(
            named("slate__{}_frequency", shop.taste_columns),
            values.by_field(_frequencies(values.items, len(context.item_ids))),
        ),
    ]


def distance_to_median(values: Floats, first: int | None = None) -> Floats:
    """Each number minus the median of the known ones, of the `first` few where said.

    >>> distance_to_median(np.array([10.0, 20, 40, 15, 5])).tolist()
    [-5.0, 5.0, 25.0, 0.0, -10.0]
    """
    distances: Floats = values - medians(values[None, :first])
    return distances


def frequency(values: ItemValues) -> Floats:
    """Share of the slate's items that have a candidate's value; of a list, the mean over it.

    >>> frequency(ItemValues.of(["a", "b", "c", "a", "b"])).tolist()
    [0.4, 0.4, 0.2, 0.4, 0.4]
    """
    return _frequencies(values, values.sizes.size)


def _frequencies(values: ItemValues, size: int) -> Floats:
    times = np.bincount(values.codes)[values.codes].astype(np.float64)
    return values.means(times / max(size, 1))


def medians(table: Floats) -> Floats:
    """Shape (C,): median of the known numbers of each row of (C, N); NaN where none is known."""
    return _Ordered.of(table).medians()


def ranks(table: Floats) -> Floats:
    """Shape (C, N): share of the row's known numbers that are lower, equals counting half."""
    return _Ordered.of(table).ranks()


def _among(table: Floats) -> Floats:
    """Shape (C, 3, N): `_MEASURES` of each number of (C, N)."""
    ordered, among = _Ordered.of(table), np.empty((len(table), len(_MEASURES), table.shape[1]))
    middle = ordered.medians()[:, None]
    among[:, 0] = ordered.ranks()
    np.subtract(table, middle, out=among[:, 1])
    np.divide(table, np.where(middle == 0, np.nan, middle), out=among[:, 2])
    return among


@dataclass(frozen=True)
class _Ordered:
    """The numbers of each row of a table (C, N), the lowest first and NaN last.

    Attributes:
        numbers: shape (C, N).
        starts: shape (C, 1), where each row begins in the flat table.
        places: shape (C, N), where the numbers are in it.
        known: shape (C,), how many of a row are not NaN.
    """

    numbers: Floats
    starts: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: Floats) -> "_Ordered":
        starts = np.arange(len(table))[:, None] * table.shape[1]
        places = np.argsort(table, axis=1)
        places += starts
        known = table.shape[1] - np.isnan(table).sum(axis=1)
        return cls(table.take(places), starts, places, known)

    def medians(self) -> Floats:
        """Of a row in which none is known it is the last number, which is NaN."""
        if not self.numbers.size:
            return np.full(self.known.size, np.nan)
        rows, low, high = np.arange(self.known.size), (self.known - 1) // 2, self.known // 2
        middle: Floats = (self.numbers[rows, low] + self.numbers[rows, high]) / 2
        return middle

    def ranks(self) -> Floats:
        """In the places of the table."""
        shape = self.numbers.shape
        begins = np.ones(self.numbers.size + 1, bool)
        within = begins[:-1].reshape(shape)[:, 1:]
        np.not_equal(self.numbers[:, 1:], self.numbers[:, :-1], out=within)
        runs = np.flatnonzero(begins)
        first, end = runs[:-1], runs[1:]
        middles = ((first + end - 1) / 2).repeat(end - first).reshape(shape) - self.starts
        shares = middles / np.maximum(self.known - 1, 1)[:, None]
        np.copyto(shares, np.nan, where=np.isnan(self.numbers))
        unordered = np.empty(shape)
        unordered.put(self.places, shares)
        return unordered

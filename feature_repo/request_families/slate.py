"""Each candidate among the others of its slate; never its position.

A number says little by itself: a price is high or low among what stands beside it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns, alike, named
from feature_repo.request_families.ages import age_seconds
from feature_repo.request_families.rates import click_rates
from feature_repo.request_families.stored import WINDOWS
from feature_repo.request_families.text_match import NAMES, matches
from feature_repo.shop import Shop
from feature_repo.slate_counts import part
from feature_repo.slate_facts import Floats, ItemValues, SlateFacts

_TEXTS = ("gram_jaccard", "all_covered")
_MEASURES = ("rank", "difference", "ratio")


def slate(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`slate__size`; `…_rank`, `…_difference`, `…_ratio` of numbers; `…_frequency` of values."""
    numbers, times = shop.columns_of("number"), shop.columns_of("time")
    table = np.concatenate(
        [
            facts.item_table(named("item_attributes__{}", numbers)),
            age_seconds(facts, shop),
            part(click_rates(facts, prior), "item"),
            matches(facts, shop)[[NAMES.index(name) for name in _TEXTS]],
        ]
    )
    compared = (*numbers, *times, *named("rate_{}", WINDOWS), *named("text_{}", _TEXTS))
    values = facts.taste_values(shop.taste_columns)
    return [
        alike(("slate__size",), [len(facts.item_ids)]),
        Block(named("slate__{}_{}", compared, _MEASURES), _among(table)),
        Block(
            named("slate__{}_frequency", shop.taste_columns),
            values.by_field(_frequencies(values.items, len(facts.item_ids))),
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
    ordered = _Ordered.of(table)
    middle = ordered.medians()[:, None]
    ratio = table / np.where(middle == 0, np.nan, middle)
    return np.stack([ordered.ranks(), table - middle, ratio], axis=1)


@dataclass(frozen=True)
class _Ordered:
    """The numbers of each row of a table (C, N), the lowest first and NaN last.

    Attributes:
        numbers: shape (C, N).
        places: shape (C, N), where they are in the flat table.
        known: shape (C,), how many of a row are not NaN.
    """

    numbers: Floats
    places: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: Floats) -> "_Ordered":
        starts = np.arange(table.shape[0])[:, None] * table.shape[1]
        places = np.argsort(table, axis=1) + starts
        return cls(table.take(places), places, np.sum(~np.isnan(table), axis=1))

    def medians(self) -> Floats:
        if not self.numbers.size:
            return np.full(self.known.size, np.nan)
        rows, last = np.arange(self.known.size), self.numbers.shape[1] - 1
        low, high = np.maximum(self.known - 1, 0) // 2, np.minimum(self.known // 2, last)
        middle: Floats = (self.numbers[rows, low] + self.numbers[rows, high]) / 2
        return middle

    def ranks(self) -> Floats:
        """In the places of the table."""
        columns = np.arange(self.numbers.shape[1])
        begins, ends = np.ones(self.numbers.shape, bool), np.ones(self.numbers.shape, bool)
        begins[:, 1:] = ends[:, :-1] = self.numbers[:, 1:] != self.numbers[:, :-1]
        first = np.maximum.accumulate(np.where(begins, columns, 0), axis=1)
        until = np.where(ends, columns, self.numbers.shape[1] - 1)
        last = np.minimum.accumulate(until[:, ::-1], axis=1)[:, ::-1]
        others = np.maximum(self.known - 1, 1)[:, None]
        shares = np.where(np.isnan(self.numbers), np.nan, (first + last) / 2 / others)
        unordered = np.empty(self.numbers.shape)
        unordered.put(self.places, shares)
        return unordered

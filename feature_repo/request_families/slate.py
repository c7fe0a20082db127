"""Each candidate among the others of its slate; never its position.

A number says little by itself: a price is high or low among what stands beside it.
"""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.ages import age_seconds
from feature_repo.request_families.rates import item_rates
from feature_repo.request_families.stored import WINDOWS
from feature_repo.request_families.text_match import matches
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, ItemValues, SlateFacts


def slate(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`slate__size`; `…_rank`, `…_difference`, `…_ratio` of numbers; `…_frequency` of values."""
    numbers = {
        field.column: facts.item_numbers(f"item_attributes__{field.column}")
        for field in shop.items_of("number")
    }
    ages = {field.column: age_seconds(facts, field.column) for field in shop.items_of("time")}
    rates = {f"rate_{w}": rate for w, rate in zip(WINDOWS, item_rates(facts, prior), strict=True)}
    columns: dict[str, Floats | float] = {"slate__size": float(len(facts.item_ids))}
    found = matches(facts, shop)
    texts = {f"text_{name}": found[name] for name in ("gram_jaccard", "all_covered")}
    columns |= _among(numbers | ages | rates | texts)
    for field in shop.taste_fields:
        values = facts.item_values(f"item_attributes__{field.column}")
        columns[f"slate__{field.column}_frequency"] = frequency(values)
    return columns


def distance_to_median(values: Floats, first: int | None = None) -> Floats:
    """Each number minus the median of the known ones, of the `first` few where said.

    >>> distance_to_median(np.array([10.0, 20, 40, 15, 5])).tolist()
    [-5.0, 5.0, 25.0, 0.0, -10.0]
    """
    distances: Floats = values - medians(values[:first, None])[0]
    return distances


def frequency(values: ItemValues) -> Floats:
    """Share of the slate's items that have a candidate's value; of a list, the mean over it.

    >>> frequency(ItemValues.of(["a", "b", "c", "a", "b"])).tolist()
    [0.4, 0.4, 0.2, 0.4, 0.4]
    """
    times = np.bincount(values.codes)[values.codes].astype(np.float64)
    return values.means(times / max(values.sizes.size, 1))


def medians(table: Floats) -> Floats:
    """Shape (C,): median of the known numbers of each column; NaN where none is known."""
    known = np.sum(~np.isnan(table), axis=0)
    if not table.size:
        return np.full(table.shape[1], np.nan)
    ordered, columns = np.sort(table, axis=0), np.arange(table.shape[1])
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, table.shape[0] - 1)
    middle: Floats = (ordered[low, columns] + ordered[high, columns]) / 2
    return middle


def ranks(table: Floats) -> Floats:
    """Shape (N, C): share of the column's known numbers that are lower, equals counting half."""
    shares = np.full(table.shape, np.nan)
    for place, column in enumerate(table.T):
        known = ~np.isnan(column)
        numbers = column[known]
        ordered = np.sort(numbers)
        first, last = (np.searchsorted(ordered, numbers, side) for side in ("left", "right"))
        shares[known, place] = (first + last - 1) / 2 / max(numbers.size - 1, 1)
    return shares


def _among(numbers: dict[str, Floats]) -> dict[str, Floats | float]:
    columns: dict[str, Floats | float] = {}
    if not numbers:
        return columns
    table = np.stack(list(numbers.values()), axis=1)
    middle = medians(table)
    difference, rank = table - middle, ranks(table)
    ratio = table / np.where(middle == 0, np.nan, middle)
    for n, name in enumerate(numbers):
        columns[f"slate__{name}_rank"] = rank[:, n]
        columns[f"slate__{name}_difference"] = difference[:, n]
        columns[f"slate__{name}_ratio"] = ratio[:, n]
    return columns

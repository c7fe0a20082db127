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
    distances: Floats = values - medians(values[None, :first])
    return distances


def frequency(values: ItemValues) -> Floats:
    """Share of the slate's items that have a candidate's value; of a list, the mean over it.

    >>> frequency(ItemValues.of(["a", "b", "c", "a", "b"])).tolist()
    [0.4, 0.4, 0.2, 0.4, 0.4]
    """
    times = np.bincount(values.codes)[values.codes].astype(np.float64)
    return values.means(times / max(values.sizes.size, 1))


def medians(table: Floats) -> Floats:
    """Shape (C,): median of the known numbers of each row of (C, N); NaN where none is known."""
    if not table.size:
        return np.full(table.shape[0], np.nan)
    known = np.sum(~np.isnan(table), axis=1)
    ordered, rows = np.sort(table, axis=1), np.arange(table.shape[0])
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, table.shape[1] - 1)
    middle: Floats = (ordered[rows, low] + ordered[rows, high]) / 2
    return middle


def ranks(table: Floats) -> Floats:
    """Shape (C, N): share of the row's known numbers that are lower, equals counting half."""
    if not table.size:
        return np.full(table.shape, np.nan)
    columns = np.arange(table.shape[1])
    order = np.argsort(table, axis=1) + np.arange(0, table.size, len(columns))[:, None]
    ordered = table.take(order)
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((table.shape[0], 1), bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), columns, 0), axis=1)
    ends = np.where(np.hstack([differs, edge]), columns, columns[-1])
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    others = np.sum(~np.isnan(table), axis=1, keepdims=True) - 1
    shares = np.where(np.isnan(ordered), np.nan, (first + last) / 2 / np.maximum(others, 1))
    unordered = np.empty(table.shape)
    unordered.put(order, shares)
    return unordered


def _among(numbers: dict[str, Floats]) -> dict[str, Floats | float]:
    columns: dict[str, Floats | float] = {}
    if not numbers:
        return columns
    table = np.stack(list(numbers.values()))
    middle = medians(table)[:, None]
    difference, rank = table - middle, ranks(table)
    ratio = table / np.where(middle == 0, np.nan, middle)
    for n, name in enumerate(numbers):
        columns[f"slate__{name}_rank"] = rank[n]
        columns[f"slate__{name}_difference"] = difference[n]
        columns[f"slate__{name}_ratio"] = ratio[n]
    return columns

"""Facets: summaries of the fields of the items that match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Any

import numpy as np

from feature_repo.home import EventError
from feature_repo.shop import Shop, ShopField
from training.retrieval.catalogue.encoded_field import EncodedField
from training.retrieval.catalogue.filters import Filter, field_named, range_filter
from training.retrieval.catalogue.item_table import ItemTable
from training.retrieval.catalogue.ranked_list import Flags, Scores

MOST_RANGES = 50


@dataclass(frozen=True)
class Facet:
    """A field to summarize.

    Attributes:
        ranges: of a number or time, each counted as the same filter finds; without any, the whole
            span of the values is one range.
    """

    field: ShopField
    ranges: tuple[Filter, ...] = ()


def parse_facets(raw: Sequence[object], shop: Shop) -> tuple[Facet, ...]:
    """Read `["brand", {"field": "price", "ranges": [{"max": 50}, {"min": 50}]}]`.

    Raises:
        EventError: there is no such field, or a range does not fit it.
    """
    return tuple(_facet(one, shop, f"facets[{n}]") for n, one in enumerate(raw))


def facets(
    item_table: ItemTable,
    selected: Flags,
    chosen: Sequence[Facet] | None = None,
    most: int = 20,
) -> dict[str, Sequence[Any]]:
    """Summarize the selected items by field: `{"value", "count"}` of the most frequent values.

    A number field has one `{"min", "max", "count"}`, or one for each of the ranges.  Without
    `chosen`, all fields are summarized.
    """
    rows, summary = np.flatnonzero(selected), dict[str, Sequence[Any]]()
    for one in [*map(Facet, item_table.shop.item_fields)] if chosen is None else chosen:
        field = one.field
        if one.ranges:
            summary[field.name] = [
                _counted_range(each, item_table, selected) for each in one.ranges
            ]
        elif field.type in ("category", "list", "bool"):
            summary[field.name] = _counted(item_table.coded(field), selected, most)
        elif field.type == "number":
            summary[field.name] = _spanned(item_table.numbers(field)[rows])
    return {name: values for name, values in summary.items() if values}


def _facet(raw: object, shop: Shop, path: str) -> Facet:
    if isinstance(raw, str):
        return Facet(field_named(raw, shop, path))
    if not isinstance(raw, Mapping) or raw.keys() != {"field", "ranges"}:
        expected = 'a field, or {"field": "price", "ranges": [{"max": 50}, {"min": 50}]}'
        raise EventError(path, expected, repr(raw)[:100])
    field = field_named(str(raw["field"]), shop, f"{path}.field")
    if field.type not in ("number", "time"):
        raise EventError(f"{path}.field", "a number or time", f"{field.name}, a {field.type}")
    ranges = raw["ranges"]
    if not isinstance(ranges, list) or not 0 < len(ranges) <= MOST_RANGES:
        raise EventError(f"{path}.ranges", f"1 to {MOST_RANGES} ranges", repr(ranges)[:100])
    return Facet(
        field,
        tuple(range_filter(field, one, f"{path}.ranges[{n}]") for n, one in enumerate(ranges)),
    )


def _counted(coded: EncodedField, selected: Flags, most: int) -> list[dict[str, Any]]:
    counted = nlargest(most, coded.facet(selected), key=itemgetter(1))
    return [{"value": value, "count": count} for value, count in counted if count]


def _counted_range(one: Filter, item_table: ItemTable, selected: Flags) -> dict[str, Any]:
    ends = {"min": one.low, "max": one.high}
    count = int(np.count_nonzero(one.mask(item_table) & selected))
    return {**{name: end for name, end in ends.items() if end is not None}, "count": count}


def _spanned(numbers: Scores) -> list[dict[str, Any]]:
    values = numbers[~np.isnan(numbers)]
    if not values.size:
        return []
    return [{"min": float(values.min()), "max": float(values.max()), "count": int(values.size)}]

"""Filters on the fields of items, stock and market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feature_repo.home import EventError
from feature_repo.request_features.context import as_values
from feature_repo.shop import Shop, ShopField, folded_value, typed_value
from training.retrieval.catalogue.item_table import ItemTable
from training.retrieval.catalogue.ranked_list import Flags

MOST_VALUES = 100
NOT = "not"
"""Key of filters that items must not meet."""


@dataclass(frozen=True)
class Filter:
    """A condition on one field; an item without a value does not meet it.

    Attributes:
        any_of: texts, folded; the item must have one of them.  None for a range.
        low, high: the range of a number or time, both ends included; None for no limit.
        is_negated: whether items must not meet the condition; one without a value passes.
    """

    field: ShopField
    any_of: frozenset[str] | None = None
    low: float | None = None
    high: float | None = None
    is_negated: bool = False

    def allows(self, value: Any) -> bool:
        """Whether an item with this value passes."""
        return self._meets(value) != self.is_negated

    def _meets(self, value: Any) -> bool:
        if self.any_of is not None:
            text = str(value).lower() if isinstance(value, (bool, np.bool_)) else value
            return any(folded_value(one) in self.any_of for one in as_values(text))
        number = float("nan") if value is None else float(value)
        above = number == number if self.low is None else number >= self.low  # noqa: PLR0124
        return above and (number == number if self.high is None else number <= self.high)  # noqa: PLR0124

    def mask(self, item_table: ItemTable) -> Flags:
        """Return which items pass, shape (N,)."""
        met = self._met(item_table)
        return ~met if self.is_negated else met

    def _met(self, item_table: ItemTable) -> Flags:
        if self.any_of is None:
            numbers = item_table.numbers(self.field)
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            within: Flags = (numbers >= low) & (numbers <= high)
            return within
        coded = item_table.coded(self.field)
        codes = [code for text in self.any_of for code in coded.code.get(text, ())]
        selected = np.zeros(item_table.size, dtype=np.bool_)
        selected[coded.rows[np.isin(coded.codes, codes)]] = True
        return selected


def parse_filters(raw: Mapping[str, Any], shop: Shop) -> tuple[Filter, ...]:
    """Read `{"brand": "Acme", "category": ["a", "b"], "price": {"max": 50}, "new": true}`.

    A key is the name or the role of a field; `not` has filters that items must not meet.

    Raises:
        EventError: there is no such field, or the value does not fit it.
    """
    negated = raw.get(NOT, {})
    if not isinstance(negated, dict):
        raise EventError(f"filters.{NOT}", 'filters such as {"brand": "Acme"}', repr(negated)[:100])
    return (
        *(_filter(name, value, shop, "filters") for name, value in raw.items() if name != NOT),
        *(
            replace(_filter(name, value, shop, f"filters.{NOT}"), is_negated=True)
            for name, value in negated.items()
        ),
    )


def sellable(item_table: ItemTable, market: str) -> Flags:
    """Return which items are not deleted, in stock and sold in the market, shape (N,)."""
    field = item_table.shop.item_role("market")
    folded = folded_value(market)
    market_key = folded if field is not None and folded in item_table.coded(field).code else None
    if market_key not in item_table.sellable:
        flags = _in_stock(item_table) & _sold_in(item_table, market_key)
        flags[item_table.deleted_rows] = False
        item_table.sellable[market_key] = flags
    return item_table.sellable[market_key]


def sold_in_language(item_table: ItemTable, language: str) -> Flags:
    """Return which items are sold in the declared markets of a language, shape (N,)."""
    markets = [one.name for one in item_table.shop.markets if one.language == language]
    if not markets:
        return np.ones(item_table.size, dtype=np.bool_)
    sold: Flags = np.logical_or.reduce(
        [_sold_in(item_table, folded_value(name)) for name in markets]
    )
    return sold


def _in_stock(item_table: ItemTable) -> Flags:
    stock = item_table.shop.item_role("stock")
    if stock is None or stock.type not in ("number", "bool"):
        return np.ones(item_table.size, dtype=np.bool_)
    in_stock: Flags = ~(item_table.numbers(stock) <= 0)
    return in_stock


def _sold_in(item_table: ItemTable, market: str | None) -> Flags:
    """Return whether each item is sold in the market, None for a market that no item names.

    An item without a market is sold in all markets.
    """
    markets = item_table.shop.item_role("market")
    anywhere = np.ones(item_table.size, dtype=np.bool_)
    if markets is None:
        return anywhere
    anywhere[item_table.coded(markets).rows] = False
    if market is None:
        return anywhere
    return anywhere | Filter(markets, frozenset({market})).mask(item_table)


def is_out_of_stock(value: Any) -> bool:
    """Whether the value of a stock field is false, 0 or less; a missing value is in stock.

    >>> is_out_of_stock(0.0), is_out_of_stock(False), is_out_of_stock(None), is_out_of_stock(3)
    (True, True, False, False)
    """
    return isinstance(value, (bool, int, float, np.bool_, np.number)) and bool(value <= 0)


def all_of(filters: Iterable[Filter], item_table: ItemTable) -> Flags:
    """Return which items meet every filter, shape (N,)."""
    selected = np.ones(item_table.size, dtype=np.bool_)
    for one in filters:
        selected &= one.mask(item_table)
    return selected


def _filter(name: str, value: Any, shop: Shop, parent: str) -> Filter:
    path = f"{parent}.{name}"[:200]
    field = field_named(name, shop, path)
    if field.type in ("number", "time"):
        return range_filter(field, value, path)
    texts = value if isinstance(value, list) else [value]
    if not texts or len(texts) > MOST_VALUES:
        raise EventError(path, f"one to {MOST_VALUES} values", f"{len(texts)}")
    return Filter(field, frozenset(_text(text, path) for text in texts))


def field_named(name: str, shop: Shop, path: str) -> ShopField:
    """Return the item field with a name or role.

    Raises:
        EventError: there is no such field.
    """
    for field in shop.item_fields:
        if name in (field.name, field.role):
            return field
    names = ", ".join(field.name for field in shop.item_fields)
    raise EventError(path, f"one of {names}", "another name")


def _text(value: Any, path: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = typed_value(value, "text")
    if not isinstance(text, str):
        raise EventError(path, "a text, or a list of texts", repr(value)[:100])
    return folded_value(text)


def range_filter(field: ShopField, value: Any, path: str) -> Filter:
    """Read `{"min": 10, "max": 50}`.

    Raises:
        EventError: the value is no range, or an end is no value of the field.
    """
    expected = 'a range such as {"min": 10, "max": 50}'
    if not isinstance(value, dict) or not value or not value.keys() <= {"min", "max"}:
        raise EventError(path, expected, repr(value)[:100])
    ends: dict[str, float] = {}
    for end, bound in value.items():
        number = typed_value(bound, field.type)
        if not isinstance(number, (int, float)):
            raise EventError(f"{path}.{end}", f"a {field.type}", repr(bound)[:100])
        ends[end] = float(number)
    return Filter(field, None, ends.get("min"), ends.get("max"))


def named_fields(names: Iterable[str], shop: Shop, path: str) -> tuple[ShopField, ...]:
    """Return the item fields with some names or roles.

    Raises:
        EventError: there is no such field.
    """
    return tuple(field_named(name, shop, f"{path}[{n}]") for n, name in enumerate(names))

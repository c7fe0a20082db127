"""Each candidate's price relative to the prices of this user and this query.

Prices are compared by their logarithms: a factor of two is as far for socks as for sofas.
"""

import math
from collections.abc import Sequence

import numpy as np

from feature_repo.request_features.context import (
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
    rounded_log,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.market import order_values
from feature_repo.request_features.families.recent import Recent
from feature_repo.shop import Shop
from feature_repo.views import MINOR_UNITS

_AGAINST = named(
    "price__{}", ("to_clicked", "to_ignored", "off_band", "to_user_order", "to_query_order")
)
_USER = named("price__{}", ("user_band", "user_spread", "user_thrift"))
_LEAST_SPREAD = 0.1
"""Minimum spread of the logarithms: a user with a single price still accepts a tenth more."""


def price(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`price__<measure>`; no columns if the shop has no price."""
    field = shop.price_field
    if field is None:
        return []
    prices = context.item_numbers(f"item_attributes__{field.column}")
    clicked, ignored = _recent_prices(context, field.column)
    clicked_mean, spread, ignored_mean = _mean(clicked), _spread(clicked), _mean(ignored)
    values = order_values(context)
    orders = rounded_log([entity_slice(values, "user"), entity_slice(values, "query")])
    means = np.array([[clicked_mean], [ignored_mean], [clicked_mean], *orders])
    against = rounded_log(prices) - means
    against[2] /= np.maximum(spread, _LEAST_SPREAD)
    blocks = [
        Block(_AGAINST, against),
        Block(_USER, [clicked_mean, spread, ignored_mean - clicked_mean]),
    ]
    full = shop.item_role("list_price")
    if full is not None:
        discount = 1 - prices / context.item_numbers(f"item_attributes__{full.column}")
        blocks.append(Block(("price__discount",), discount[None]))
    return blocks


def _recent_prices(context: RequestContext, column: str) -> tuple[Floats, Floats]:
    recent = Recent.of(context)
    if recent is None:
        return np.empty(0), np.empty(0)
    clicked, ignored = recent.texts(context, column)
    return _logarithms(clicked), _logarithms(ignored)


def _logarithms(prices: Sequence[str]) -> Floats:
    """Logarithms of the positive prices."""
    amounts = np.array([int(price) for price in prices if price], dtype=np.float64)
    return rounded_log(amounts[amounts > 0] / MINOR_UNITS)


def _mean(values: Floats) -> float:
    return float(values.sum()) / values.size if values.size else math.nan


def _spread(values: Floats) -> float:
    """Standard deviation."""
    deviations = values - _mean(values)
    return math.sqrt(_mean(deviations * deviations))

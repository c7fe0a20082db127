"""Each candidate's price against what this user, and this query, usually goes for.

Prices are compared by their logarithms: twice as dear is as far for socks as for sofas.
"""

from collections.abc import Sequence

import numpy as np

from feature_repo.counters import MINOR_UNITS
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.market import order_value
from feature_repo.request_families.recent import Recent
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts

_LEAST_SPREAD = 0.1
"""Of logarithms; a user of one price alone is not offended by a tenth more."""


def price(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`price__<measure>`; nothing where the shop has no price."""
    field = shop.price_field
    if field is None:
        return {}
    prices = facts.item_numbers(f"item_attributes__{field.column}")
    own = np.log(prices)
    clicked, ignored = _recent_prices(facts, field.column)
    usual, spread = _mean(clicked), float(np.std(clicked)) if clicked.size else float("nan")
    measured: dict[str, Floats | float] = {
        "to_clicked": own - usual,
        "to_ignored": own - _mean(ignored),
        "off_band": (own - usual) / np.maximum(spread, _LEAST_SPREAD),
        "to_user_order": own - np.log(order_value(facts.counts("user"))),
        "to_query_order": own - np.log(order_value(facts.counts("query"))),
        "user_band": usual,
        "user_spread": spread,
        "user_thrift": _mean(ignored) - usual,
    }
    full = shop.item_role("list_price")
    if full is not None:
        measured["discount"] = 1 - prices / facts.item_numbers(f"item_attributes__{full.column}")
    return {f"price__{name}": values for name, values in measured.items()}


def _recent_prices(facts: SlateFacts, column: str) -> tuple[Floats, Floats]:
    recent = Recent.of(facts)
    if recent is None:
        return np.empty(0), np.empty(0)
    clicked, ignored = recent.texts(facts, column)
    return _logarithms(clicked), _logarithms(ignored)


def _logarithms(prices: Sequence[str]) -> Floats:
    """Of those that are known and above nothing."""
    known = np.array([int(price) for price in prices if price], dtype=np.float64)
    return np.log(known[known > 0] / MINOR_UNITS)


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")

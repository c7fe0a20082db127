"""Values relative to what is usual in the market, so that one model can serve several.

A price in forints and one in pounds, a rate of a busy market and one of a shy one: only against
their own market do they say the same.
"""

import numpy as np

from feature_repo.counters import MINOR_UNITS
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.rates import item_rates, user_rates
from feature_repo.request_families.stored import WINDOWS
from feature_repo.shop import Shop
from feature_repo.slate_facts import Count, Counts, Floats, SlateFacts


def market(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`market__<measure>`: logarithms of ratios to the market's own, and shares of its total."""
    usual, all_time = facts.counts("market"), WINDOWS.index("all")
    rate = usual("clicks_all") / usual("impressions_all")
    relative: dict[str, Floats | float] = {
        "item_rate": np.log(item_rates(facts, prior)[all_time] / rate),
        "user_rate": np.log(user_rates(facts, prior)[all_time] / rate),
    }
    for entity, measure in (("item", "clicks"), ("item", "orders"), ("item", "revenue"),
                            ("query", "searches")):  # fmt: skip
        own = facts.counts(entity)(f"{measure}_30d")
        relative[f"{entity}_{measure}_share"] = own / usual(f"{measure}_30d")
    price = shop.item_role("price")
    if price is not None and price.type == "number":
        known = facts.item_numbers(f"item_attributes__{price.column}")
        relative["price"] = np.log(known / order_value(usual))
    return {f"market__{name}": values for name, values in relative.items()}


def order_value(counts: Counts) -> Count:
    """The mean value of a purchase, all time, in the currency's major unit; NaN without one."""
    value = counts("revenue_all") / counts("orders_all") / MINOR_UNITS
    return np.where(value > 0, value, np.nan)

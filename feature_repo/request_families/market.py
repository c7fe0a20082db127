"""Values relative to what is usual in the market, so that one model can serve several.

A price in forints and one in pounds, a rate of a busy market and one of a shy one: only against
their own market do they say the same.
"""

import numpy as np

from feature_repo.counters import MINOR_UNITS
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns, named
from feature_repo.request_families.rates import click_rates
from feature_repo.shop import Shop
from feature_repo.slate_counts import EVER, MONTH, Counts
from feature_repo.slate_facts import Floats, SlateFacts

_RATES = named("market__{}_rate", ("item", "user"))
_SHARES = {"item": ("clicks", "orders", "revenue"), "query": ("searches",)}


def market(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`market__<measure>`: logarithms of ratios to the market's own, and shares of its total."""
    usual = facts.counts("market")
    rate = usual.of("clicks")[EVER] / usual.of("impressions")[EVER]
    blocks = [
        Block((name,), np.log(click_rates(facts, entity, prior)[EVER] / rate))
        for name, entity in zip(_RATES, ("item", "user"), strict=True)
    ]
    for entity, measures in _SHARES.items():
        own = facts.counts(entity).each(*measures)[:, MONTH]
        names = named("market__{}_{}_share", (entity,), measures)
        blocks.append(Block(names, own / usual.each(*measures)[:, MONTH]))
    if shop.price_field is not None:
        own = facts.item_numbers(f"item_attributes__{shop.price_field.column}")
        blocks.append(Block(("market__price",), np.log(own / order_value(usual))))
    return blocks


def order_value(counts: Counts) -> Floats:
    """Shape (1,): the mean value of a purchase, all time, in the currency's major unit.

    NaN without one.
    """
    value = counts.of("revenue")[EVER] / counts.of("orders")[EVER] / MINOR_UNITS
    return np.where(value > 0, value, np.nan)

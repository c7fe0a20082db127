"""Values relative to what is usual in the market, so that one model can serve several.

A price in forints and one in pounds, a rate of a busy market and one of a shy one: only against
their own market do they say the same.
"""

import numpy as np

from feature_repo.request_features.context import EVER, MONTH, Floats, RatePrior, SlateFacts, part
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.rates import click_rates
from feature_repo.shop import Shop
from feature_repo.views import MINOR_UNITS

_MEASURES = ("clicks", "orders", "revenue", "searches")
_ENTITIES = {"item": slice(0, 3), "query": slice(3, 4)}
"""Whose measures are which."""


def market(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`market__<measure>`: logarithms of ratios to the market's own, and shares of its total."""
    clicks, shown = part(facts.counts.each("clicks", "impressions")[:, EVER], "market")
    rates = np.log(click_rates(facts, prior)[EVER] / (clicks / shown))
    month = facts.counts.each(*_MEASURES)[:, MONTH]
    shares = month / part(month, "market")
    blocks = [
        *(Block((f"market__{one}_rate",), part(rates, one)[None]) for one in ("item", "user")),
        *(
            Block(named("market__{}_{}_share", (one,), _MEASURES[own]), part(shares[own], one))
            for one, own in _ENTITIES.items()
        ),
    ]
    if shop.price_field is not None:
        own = facts.item_numbers(f"item_attributes__{shop.price_field.column}")
        relative = np.log(own / part(order_values(facts), "market"))
        blocks.append(Block(("market__price",), relative[None]))
    return blocks


def order_values(facts: SlateFacts) -> Floats:
    """Shape (N + 3,): the mean value of a purchase of each, all time, in the currency's major unit.

    NaN without one; not to be written to.
    """
    if "order values" not in facts.memo:
        revenue, orders = facts.counts.each("revenue", "orders")[:, EVER]
        value = revenue / orders / MINOR_UNITS
        facts.memo["order values"] = np.where(value > 0, value, np.nan)
    values: Floats = facts.memo["order values"]
    return values

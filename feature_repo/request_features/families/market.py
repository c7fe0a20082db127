"""Values relative to the market's baseline, so that one model can serve several markets.

Prices in different currencies and rates of busy and quiet markets are comparable only relative to
their own market.
"""

import numpy as np

from feature_repo.request_features.context import (
    EVER_INDEX,
    MONTH_INDEX,
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.rates import click_rates
from feature_repo.shop import Shop
from feature_repo.views import MINOR_UNITS

_MEASURES = ("clicks", "orders", "revenue", "searches")
_ENTITIES = {"item": slice(0, 3), "query": slice(3, 4)}
"""Entity → its measures."""


def market(context: RequestContext, shop: Shop, prior: RatePrior) -> Columns:
    """`market__<measure>`: logarithms of ratios to the market's values, and shares of its total."""
    clicks, shown = entity_slice(
        context.counts.each("clicks", "impressions")[:, EVER_INDEX], "market"
    )
    rates = np.log(click_rates(context, prior)[EVER_INDEX] / (clicks / shown))
    month = context.counts.each(*_MEASURES)[:, MONTH_INDEX]
    shares = month / entity_slice(month, "market")
    blocks = [
        *(
            Block((f"market__{one}_rate",), entity_slice(rates, one)[None])
            for one in ("item", "user")
        ),
        *(
            Block(
                named("market__{}_{}_share", (one,), _MEASURES[own]), entity_slice(shares[own], one)
            )
            for one, own in _ENTITIES.items()
        ),
    ]
    if shop.price_field is not None:
        own = context.item_numbers(f"item_attributes__{shop.price_field.column}")
        relative = np.log(own / entity_slice(order_values(context), "market"))
        blocks.append(Block(("market__price",), relative[None]))
    return blocks


def order_values(context: RequestContext) -> Floats:
    """Return the mean value of a purchase, all time, in the currency's major unit.

    Shape (N + 3,); NaN without a purchase; read only.
    """
    if "order values" not in context.memo:
        revenue, orders = context.counts.each("revenue", "orders")[:, EVER_INDEX]
        value = revenue / orders / MINOR_UNITS
        context.memo["order values"] = np.where(value > 0, value, np.nan)
    values: Floats = context.memo["order values"]
    return values

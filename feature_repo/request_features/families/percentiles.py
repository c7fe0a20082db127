"""Each candidate relative to the items of its category and its brand, as of the last midnight.

Rates are smoothed hierarchically: an item's rate toward its brand's, a brand's toward its
category's, and a category's toward the shop's.
"""

from collections.abc import Sequence

import numpy as np

from feature_repo.request_features.context import (
    EVER_INDEX,
    Floats,
    RatePrior,
    RequestContext,
    entity_slice,
    measure_indexes,
    or_zero,
)
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop
from feature_repo.views import EXAMINED, groups_of

_VIEW = "item_percentiles"
_STORED = ("items", "impressions", "clicks", "popularity", "price", "price_place")
_COUNTED = slice(1, 3)
_MEASURES = ("items", "rate", "support", "popularity_share", "to_price", "price_share")
_WITHOUT_PRICE = 4
_OWN = (
    *named("percentiles__{}", ("examined_rate", "examined_support", "ladder_rate")),
    f"{_VIEW}__present",
)


def percentiles(context: RequestContext, shop: Shop, prior: RatePrior) -> Columns:
    """`percentiles__<group>_<measure>`, `percentiles__examined_rate`, `percentiles__ladder_rate`.

    `…_rate` is the group's smoothed click rate, `…_to_price` the logarithm of the candidate's price
    over the group's median price.  `…_support` is the number of impressions behind a rate.
    """
    groups, size = groups_of(shop), len(_STORED) if shop.price_field else _WITHOUT_PRICE
    features = named(f"{_VIEW}__{{}}_{{}}", groups, _STORED[:size])
    table = context.item_table(features).reshape(len(groups), size, len(context.item_ids))
    own = entity_slice(
        context.counts.evidence[measure_indexes(("impressions", "clicks")), EVER_INDEX], "item"
    )
    examined = context.item_numbers(f"{_VIEW}__{EXAMINED}")
    shown, clicks = or_zero(table[:, _COUNTED].swapaxes(0, 1))
    measured = table.copy()
    measured[:, 1], measured[:, 2] = prior.drawn(clicks, shown), table[:, 1]
    if shop.price_field:
        price = context.item_numbers(f"item_attributes__{shop.price_field.column}")
        measured[:, 4] = np.log(price / table[:, 4])
    return [
        Block(named("percentiles__{}_{}", groups, _MEASURES[:size]), measured),
        Block(
            _OWN,
            np.array(
                [
                    prior.drawn(own[1], or_zero(examined)),
                    examined,
                    _ladder([*clicks, own[1]], [*shown, own[0]], prior),
                    context.item_presence(_VIEW),
                ]
            ),
        ),
    ]


def _ladder(clicks: Sequence[Floats], shown: Sequence[Floats], prior: RatePrior) -> Floats:
    """Smooth from the shop's rate down to the item's: each level toward the one above.

    Args:
        clicks: N for each group, then for the candidates; none is missing.
        shown: impressions in the same shape.
        prior: of the shop.
    """
    rates: Floats = np.array([prior.click_rate])
    for c, i in zip(clicks, shown, strict=True):
        rates = (prior.strength + c) / (prior.strength / rates + i)
    return rates

"""Each candidate among those of its category and its brand, as of the last midnight.

Groups are the steps of a ladder: an item that was hardly shown is judged by its brand's rate, a
brand that was hardly shown by its category's, and that by the shop's.
"""

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Count, Floats, SlateFacts, or_zero
from feature_repo.standing import EXAMINED, groups_of

_VIEW = "item_standing"


def standing(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Columns:
    """`standing__<group>_<measure>`, `standing__examined_rate`, `standing__ladder_rate`.

    `…_rate` is the group's smoothed click rate, `…_to_price` the logarithm of the candidate's price
    over the group's median one.  `…_support` counts the impressions a rate rests on.
    """
    columns: dict[str, Floats] = {}
    for group in groups_of(shop):
        columns |= _among(facts, shop, prior, group)
    examined, clicks = _of(facts, EXAMINED), facts.counts("item")("clicks_all")
    columns["standing__examined_rate"] = prior.smoothed(clicks, examined)
    columns["standing__examined_support"] = examined
    columns["standing__ladder_rate"] = _ladder(facts, shop, prior)
    columns[f"{_VIEW}__present"] = facts.item_presence(_VIEW)
    return columns


def _among(facts: SlateFacts, shop: Shop, prior: RatePrior, group: str) -> dict[str, Floats]:
    shown, clicks = _of(facts, f"{group}_impressions"), _of(facts, f"{group}_clicks")
    measured = {
        "items": _of(facts, f"{group}_items"),
        "rate": prior.smoothed(clicks, shown),
        "support": shown,
        "popularity_share": _of(facts, f"{group}_popularity"),
    }
    if shop.price_field is not None:
        own = facts.item_numbers(f"item_attributes__{shop.price_field.column}")
        measured["to_price"] = np.log(own / _of(facts, f"{group}_price"))
        measured["price_share"] = _of(facts, f"{group}_price_place")
    return {f"standing__{group}_{name}": values for name, values in measured.items()}


def _ladder(facts: SlateFacts, shop: Shop, prior: RatePrior) -> Floats:
    """From the shop's rate to the item's: each step is drawn towards the one before."""
    rates = np.full(len(facts.item_ids), prior.click_rate)
    for group in groups_of(shop):
        rates = _drawn(
            _of(facts, f"{group}_clicks"), _of(facts, f"{group}_impressions"), rates, prior
        )
    counts = facts.counts("item")
    return _drawn(counts("clicks_all"), counts("impressions_all"), rates, prior)


def _drawn(clicks: Count, shown: Count, towards: Floats, prior: RatePrior) -> Floats:
    c, i = or_zero(clicks), or_zero(shown)
    rates: Floats = (prior.strength + c) / (prior.strength / towards + i)
    return rates


def _of(facts: SlateFacts, feature: str) -> Floats:
    return facts.item_numbers(f"{_VIEW}__{feature}")

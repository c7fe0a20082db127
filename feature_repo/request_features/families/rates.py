"""Smoothed click rates of each candidate and of the user, by window.

Their support is in the stored counts.
"""

from feature_repo.request_features.context import Floats, RatePrior, SlateFacts, part, places_of
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.request_features.families.stored import WINDOWS
from feature_repo.shop import Shop


def rates(facts: SlateFacts, _: Shop, prior: RatePrior) -> Columns:
    """`rate__item_<window>`, `rate__user_<window>`."""
    smoothed = click_rates(facts, prior)
    return [
        Block(named("rate__{}_{}", (entity,), WINDOWS), part(smoothed, entity))
        for entity in ("item", "user")
    ]


def click_rates(facts: SlateFacts, prior: RatePrior) -> Floats:
    """Shape (windows, N + 3): smoothed click rates of all whose clicks and impressions are counted;
    not to be written to."""
    key = "click rates", prior
    if key not in facts.memo:
        facts.memo[key] = prior.drawn(*facts.counts.evidence[places_of(("clicks", "impressions"))])
    rates: Floats = facts.memo[key]
    return rates

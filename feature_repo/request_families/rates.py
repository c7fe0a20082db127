"""Smoothed click rates of each candidate and of the user, by window.

Their support is in the stored counts.
"""

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns, named
from feature_repo.request_families.stored import WINDOWS
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts


def rates(facts: SlateFacts, _: Shop, prior: RatePrior) -> Columns:
    """`rate__item_<window>`, `rate__user_<window>`."""
    return [
        Block(named("rate__{}_{}", (entity,), WINDOWS), click_rates(facts, entity, prior))
        for entity in ("item", "user")
    ]


def click_rates(facts: SlateFacts, entity: str, prior: RatePrior) -> Floats:
    """Shape (windows, N): smoothed click rates of the candidates, or (windows, 1) of the user; not
    to be written to."""
    key = "click rates", entity, prior
    if key not in facts.memo:
        counts = facts.counts(entity)
        facts.memo[key] = prior.smoothed(counts.of("clicks"), counts.of("impressions"))
    rates: Floats = facts.memo[key]
    return rates

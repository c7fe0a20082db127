"""Smoothed click rates of each candidate and of the user, by window.

Their support is in the stored counts.
"""

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.request_families.stored import WINDOWS
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts, as_number


def rates(facts: SlateFacts, _: Shop, prior: RatePrior) -> Columns:
    """`rate__item_<window>`, `rate__user_<window>`."""
    of_user = user_rates(facts, prior).tolist()
    return {
        **{f"rate__item_{w}": r for w, r in zip(WINDOWS, item_rates(facts, prior), strict=True)},
        **{f"rate__user_{w}": r for w, r in zip(WINDOWS, of_user, strict=True)},
    }


def item_rates(facts: SlateFacts, prior: RatePrior) -> Floats:
    """Shape (windows, N): smoothed click rates of the candidates; not to be written to."""
    key = f"item rates by {prior}"
    if key not in facts.memo:
        clicks = [facts.item_numbers(f"item_engagement__clicks_{w}") for w in WINDOWS]
        shown = [facts.item_numbers(f"item_engagement__impressions_{w}") for w in WINDOWS]
        facts.memo[key] = prior.smoothed(clicks, shown)
    rates: Floats = facts.memo[key]
    return rates


def user_rates(facts: SlateFacts, prior: RatePrior) -> Floats:
    """Shape (windows,): smoothed click rates of the user."""
    clicks = [as_number(facts.user.get(f"user_engagement__clicks_{w}")) for w in WINDOWS]
    shown = [as_number(facts.user.get(f"user_engagement__impressions_{w}")) for w in WINDOWS]
    return prior.smoothed(clicks, shown)

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
    return {
        **{f"rate__item_{w}": item_rate(facts, prior, w) for w in WINDOWS},
        **{f"rate__user_{w}": _user_rate(facts, prior, w) for w in WINDOWS},
    }


def item_rate(facts: SlateFacts, prior: RatePrior, window: str) -> Floats:
    """Shape (N,): smoothed click rate of each candidate over `window`."""
    clicks = facts.item_numbers(f"item_engagement__clicks_{window}")
    return prior.smoothed(clicks, facts.item_numbers(f"item_engagement__impressions_{window}"))


def _user_rate(facts: SlateFacts, prior: RatePrior, window: str) -> float:
    clicks = as_number(facts.user.get(f"user_engagement__clicks_{window}"))
    shown = as_number(facts.user.get(f"user_engagement__impressions_{window}"))
    return float(prior.smoothed(clicks, shown))

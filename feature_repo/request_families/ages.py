"""How old each candidate is, by each of its time fields."""

from feature_repo.instants import SECOND
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts


def ages(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`age__<column>_seconds`: from the field's time to the request; negative before it comes."""
    times = [field.column for field in shop.items_of("time")]
    return {f"age__{column}_seconds": age_seconds(facts, column) for column in times}


def age_seconds(facts: SlateFacts, column: str) -> Floats:
    """Shape (N,): seconds from a time field of each candidate to the request."""
    seconds: Floats = (facts.t - facts.item_numbers(f"item_attributes__{column}")) / SECOND
    return seconds

"""How old each candidate is, by each of its time fields."""

from feature_repo.instants import SECOND
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts


def ages(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`age__<column>_seconds`: from the field's time to the request; negative before it comes."""
    return {
        f"age__{field.column}_seconds": (
            facts.t - facts.item_numbers(f"item_attributes__{field.column}")
        )
        / SECOND
        for field in shop.items_of("time")
    }

"""How long the shop has known the shopper."""

from feature_repo.instants import SECOND
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts, as_number


def tenure(facts: SlateFacts, _: Shop, __: RatePrior) -> Columns:
    """`user__tenure_seconds`: from the first event that names the user to the request."""
    first = as_number(facts.user.get("user_first_seen__first_seen_at"))
    return [Block(("user__tenure_seconds",), [(facts.t - first) / SECOND])]

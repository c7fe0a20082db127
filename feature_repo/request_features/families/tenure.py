"""Time since the shop first saw the shopper."""

from feature_repo.home import SECOND
from feature_repo.request_features.context import RatePrior, RequestContext, as_number
from feature_repo.request_features.families.block import Block, Columns
from feature_repo.shop import Shop


def tenure(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`user__tenure_seconds`: from the first event that names the user to the request."""
    first = as_number(context.user.get("user_first_seen__first_seen_at"))
    return [Block(("user__tenure_seconds",), [(context.t - first) / SECOND])]

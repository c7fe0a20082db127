"""The age of each candidate, by each of its time fields."""

from feature_repo.home import SECOND
from feature_repo.request_features.context import Floats, RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop


def ages(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`age__<column>_seconds`: from the field's time to the request; negative for a future time."""
    return [Block(named("age__{}_seconds", shop.columns_of("time")), age_seconds(context, shop))]


def age_seconds(context: RequestContext, shop: Shop) -> Floats:
    """Return the seconds from each time of a candidate to the request; read only.

    Shape (time fields, N).
    """
    if "ages" not in context.memo:
        times = context.item_table(named("item_attributes__{}", shop.columns_of("time")))
        context.memo["ages"] = (context.t - times) / SECOND
    seconds: Floats = context.memo["ages"]
    return seconds

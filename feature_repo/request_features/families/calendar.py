"""The shopper's local time; missing if the request has no UTC offset."""

import math
from datetime import timedelta

from feature_repo.home import to_datetime
from feature_repo.request_features.context import RatePrior, RequestContext, as_number
from feature_repo.request_features.families.block import Block, Columns
from feature_repo.shop import Shop

_NAMES = ("calendar__hour", "calendar__weekday", "calendar__month")


def calendar(context: RequestContext, _: Shop, __: RatePrior) -> Columns:
    """`calendar__hour`, `…_weekday` from Monday, 0, and `…_month` from January, 1."""
    return [Block(_NAMES, local_time(context))]


def local_time(context: RequestContext) -> tuple[float, float, float]:
    """Return hour, weekday and month."""
    offset = as_number(context.utc_offset_minutes)
    if math.isnan(offset):
        return math.nan, math.nan, math.nan
    local = to_datetime(context.t) + timedelta(minutes=offset)
    return float(local.hour), float(local.weekday()), float(local.month)

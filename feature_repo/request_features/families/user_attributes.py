"""What the shop says of the shopper, the same for all candidates.

A model reads of a category whether it is known, and whether it is each of the values that the
field's `values` in `shop.toml` name.
"""

import math
from collections.abc import Iterator
from functools import cache

from feature_repo.home import SECOND
from feature_repo.request_features.context import RatePrior, RequestContext, as_number
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop, ShopField, safe_column


def user_attributes(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`user__<column>_known`; `user__<column>__<value>`, NaN where it is not known.

    `user__<column>_age_seconds` is from a time to the request, negative before it comes.
    """
    told = {name: value for field in shop.user_fields for name, value in _told(context, field)}
    return [Block(named("user__{}", tuple(told)), [*told.values()])]


def _told(context: RequestContext, field: ShopField) -> Iterator[tuple[str, float]]:
    value = context.user.get(f"user_attributes__{field.column}")
    known = _is_known(value)
    yield f"{field.column}_known", float(known)
    if field.type == "time":
        yield f"{field.column}_age_seconds", (context.t - as_number(value)) / SECOND
    for name, choice in _choices(field.values):
        yield f"{field.column}__{name}", float(value == choice) if known else math.nan


def _is_known(value: object) -> bool:
    """Whether there is a value; a list without a text is none."""
    if isinstance(value, (str, list, tuple)):
        return bool(value)
    return not math.isnan(as_number(value))


@cache
def _choices(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Column name and text of each declared value."""
    taken: list[str] = []
    for choice in values:
        taken.append(safe_column(choice, taken))
    return tuple(zip(taken, values, strict=True))

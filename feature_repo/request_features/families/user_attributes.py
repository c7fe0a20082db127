"""The shop's fields of the shopper, the same for all candidates.

A category becomes one column for its presence, and one column per value that `shop.toml`
declares.
"""

import math
from collections.abc import Iterator
from functools import cache

from feature_repo.home import SECOND
from feature_repo.request_features.context import RatePrior, RequestContext, as_number
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop, ShopField, safe_column


def user_attributes(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`user__<column>_known`; `user__<column>__<value>`, NaN if unknown.

    `user__<column>_age_seconds`: from a time to the request, negative for a future time.
    """
    columns = {name: v for field in shop.user_fields for name, v in _columns(context, field)}
    return [Block(named("user__{}", tuple(columns)), [*columns.values()])]


def _columns(context: RequestContext, field: ShopField) -> Iterator[tuple[str, float]]:
    value = context.user.get(f"user_attributes__{field.column}")
    has_value = _has_value(value)
    yield f"{field.column}_known", float(has_value)
    if field.type == "time":
        yield f"{field.column}_age_seconds", (context.t - as_number(value)) / SECOND
    for name, choice in _choices(field.values):
        yield f"{field.column}__{name}", float(value == choice) if has_value else math.nan


def _has_value(value: object) -> bool:
    """Whether there is a value; an empty list is none."""
    if isinstance(value, (str, list, tuple)):
        return bool(value)
    return not math.isnan(as_number(value))


@cache
def _choices(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Column name and text of each declared value."""
    columns: list[str] = []
    for choice in values:
        columns.append(safe_column(choice, columns))
    return tuple(zip(columns, values, strict=True))

"""Numbers of the feature views, and whether a view has a row of the entity."""

from collections.abc import Iterable, Mapping
from typing import Any

from feature_repo.request_features.context import COUNTS, RatePrior, RequestContext, is_present
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop
from feature_repo.views import WINDOWS as DAYS_OF_WINDOWS

WINDOWS = tuple(DAYS_OF_WINDOWS)
_PRESENT = "{}__present"


def stored(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`<view>__<feature>` and `<view>__present` of item, user and query."""
    numbers = named("item_attributes__{}", shop.columns_of("number", "bool"))
    return [
        Block(numbers, context.item_table(numbers)),
        _item_presence(context, "item_attributes"),
        Block(COUNTS["item"], context.counts.stored("item")),
        _item_presence(context, "item_engagement"),
        Block(COUNTS["user"], context.counts.stored("user")),
        _presence(context.user, "user_engagement", "user_recent"),
        *_of_user(context, shop),
        Block(COUNTS["query"], context.counts.stored("query")),
        _presence(context.query_row, "query_engagement", "query_clicked_items"),
    ]


def _item_presence(context: RequestContext, view: str) -> Block:
    return Block(named(_PRESENT, (view,)), context.item_presence(view)[None])


def _presence(row: Mapping[str, Any], *views: str) -> Block:
    return Block(named(_PRESENT, views), [is_present(row, view) for view in views])


def _of_user(context: RequestContext, shop: Shop) -> Iterable[Block]:
    if not shop.user_fields:
        return []
    fields = [field.column for field in shop.user_fields if field.type in ("number", "bool")]
    numbers = named("user_attributes__{}", tuple(fields))
    return [
        Block(numbers, [*map(context.user.get, numbers)]),
        _presence(context.user, "user_attributes"),
    ]

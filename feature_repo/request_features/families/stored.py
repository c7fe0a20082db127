"""Numbers that lie in the feature views, and whether a view knew the entity at all."""

from collections.abc import Iterable, Mapping
from typing import Any

from feature_repo.request_features.context import COUNTS, RatePrior, SlateFacts, is_present
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop
from feature_repo.views import counters

WINDOWS = tuple(counters.WINDOWS)
_PRESENT = "{}__present"


def stored(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`<view>__<feature>` and `<view>__present` of item, user and query."""
    numbers = named("item_attributes__{}", shop.columns_of("number", "bool"))
    return [
        Block(numbers, facts.item_table(numbers)),
        _item_presence(facts, "item_attributes"),
        Block(COUNTS["item"], facts.counts.stored("item")),
        _item_presence(facts, "item_engagement"),
        Block(COUNTS["user"], facts.counts.stored("user")),
        _presence(facts.user, "user_engagement", "user_recent"),
        *_of_user(facts, shop),
        Block(COUNTS["query"], facts.counts.stored("query")),
        _presence(facts.query_row, "query_engagement", "query_clicked_items"),
    ]


def _item_presence(facts: SlateFacts, view: str) -> Block:
    return Block(named(_PRESENT, (view,)), facts.item_presence(view)[None])


def _presence(row: Mapping[str, Any], *views: str) -> Block:
    return Block(named(_PRESENT, views), [is_present(row, view) for view in views])


def _of_user(facts: SlateFacts, shop: Shop) -> Iterable[Block]:
    if not shop.user_fields:
        return []
    fields = [field.column for field in shop.user_fields if field.type in ("number", "bool")]
    numbers = named("user_attributes__{}", tuple(fields))
    return [
        Block(numbers, [*map(facts.user.get, numbers)]),
        _presence(facts.user, "user_attributes"),
    ]

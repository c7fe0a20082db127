"""Numbers that lie in the feature views, and whether a view knew the entity at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo import counters
from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts, as_number, is_present

WINDOWS = tuple(counters.WINDOWS)
_COUNTS = {view.name: view.read for view in counters.COUNTER_VIEWS}


def stored(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`<view>__<feature>` and `<view>__present` of item, user and query."""
    attributes = [field.column for field in shop.items_of("number", "bool")]
    return {
        **_of_items(facts, "item_attributes", attributes),
        **_of_items(facts, "item_engagement", _COUNTS["item_engagement"]),
        **_of_request(facts.user, "user_engagement", _COUNTS["user_engagement"]),
        **_of_request(facts.user, "user_recent", []),
        **_of_user(facts, shop),
        **_of_request(facts.query_row, "query_engagement", _COUNTS["query_engagement"]),
        **_of_request(facts.query_row, "query_clicked_items", []),
    }


def _of_items(facts: SlateFacts, view: str, features: Sequence[str]) -> Columns:
    names = [f"{view}__{feature}" for feature in features]
    values: Columns = {name: facts.item_numbers(name) for name in names}
    return {**values, f"{view}__present": facts.item_presence(view)}


def _of_user(facts: SlateFacts, shop: Shop) -> Columns:
    if not shop.user_fields:
        return {}
    numbers = [field.column for field in shop.user_fields if field.type in ("number", "bool")]
    return _of_request(facts.user, "user_attributes", numbers)


def _of_request(row: Mapping[str, Any], view: str, features: Sequence[str]) -> Columns:
    names = [f"{view}__{feature}" for feature in features]
    values: Columns = {name: as_number(row.get(name)) for name in names}
    return {**values, f"{view}__present": float(is_present(row, view))}

"""Numbers of the feature views that no other family reads."""

from collections.abc import Iterable

from feature_repo.request_features.context import RatePrior, RequestContext, is_present
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop
from feature_repo.views import ViewSpec, views_of


def view_numbers(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`<view>__<feature>` and `<view>__present` of each view that appends its numbers."""
    specs = [spec for spec in views_of(shop) if spec.append_numbers]
    return [block for spec in specs for block in _blocks(context, shop, spec)]


def _blocks(context: RequestContext, shop: Shop, spec: ViewSpec) -> Iterable[Block]:
    names = named(f"{spec.name}__{{}}", spec.numbers_of(shop))
    present = (f"{spec.name}__present",)
    if spec.entity == "item":
        yield Block(names, context.item_table(names))
        yield Block(present, context.item_presence(spec.name)[None])
        return
    rows = {"user": context.user, "query": context.query_row, "market": context.market_row}
    row = rows[spec.entity]
    yield Block(names, [*map(row.get, names)])
    yield Block(present, [is_present(row, spec.name)])

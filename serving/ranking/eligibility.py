"""Which candidates may be shown: not deleted, not hidden, in stock, within the filters."""

from collections.abc import Sequence

import numpy as np

from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.query import Query
from training.retrieval.catalogue import Filter, is_out_of_stock
from training.rules import Rules


def active_rules(rules: Rules, query: Query) -> Rules:
    """Return the rules that apply to a request."""
    return rules.now(t=query.t, query=query.text, market=query.market, surface=query.surface)


def drop_deleted(
    item_ids: Sequence[str], context: RequestContext | None, deleted_ids: frozenset[str]
) -> tuple[Sequence[str], RequestContext | None]:
    """Return the candidates that are not deleted, and the context of these alone.

    Features compare a candidate with the others of its slate.  A candidate that is never shown
    must not be among them: training sees only shown items.

    Args:
        item_ids: N candidates.
        context: of the candidates, with their deletions.
        deleted_ids: deleted items, used without a context.
    """
    deleted = deleted_ids if context is None else _deleted(context)
    if not deleted:
        return item_ids, context
    positions = [n for n, item_id in enumerate(item_ids) if item_id not in deleted]
    if len(positions) == len(item_ids):
        return item_ids, context
    remaining = [item_ids[n] for n in positions]
    return remaining, None if context is None else context.select(positions)


def sellable_positions(
    item_ids: Sequence[str],
    context: RequestContext | None,
    shop: Shop,
    rules: Rules,
    filters: Sequence[Filter] = (),
) -> list[int]:
    """Return the positions of the items that are in stock, not hidden and within the filters.

    An item without a stored row passes stock and filters.
    """
    excluded = np.zeros(len(item_ids), dtype=np.bool_)
    for rule in rules.rules:
        if rule.action == "hide":
            excluded |= rule.matches(context, item_ids)
    stock = shop.item_role("stock")
    if context is not None and item_ids:
        if stock is not None:
            excluded |= [is_out_of_stock(value) for value in _column(context, stock.column)]
        for filter_ in filters:
            is_stored = context.item_presence("item_attributes") > 0
            values = _column(context, filter_.field.column)
            allowed = np.array([filter_.allows(value) for value in values], dtype=np.bool_)
            excluded |= is_stored & ~allowed
    return np.flatnonzero(~excluded).tolist()


def _deleted(context: RequestContext) -> frozenset[str]:
    flags = context.item_numbers("item_attributes__is_deleted")
    return frozenset([context.item_ids[n] for n in np.flatnonzero(flags == 1).tolist()])


def _column(context: RequestContext, column: str) -> Sequence[object]:
    missing = [None] * len(context.item_ids)
    return list(context.items.get(f"item_attributes__{column}", missing))

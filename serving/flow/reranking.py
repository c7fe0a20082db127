"""The stage `rerank`: the order of a list, by relevance, rules and exploration."""

from feature_repo.request_features.context import RequestContext
from serving.flow.request_state import RequestState
from serving.ranking import (
    Explored,
    Scored,
    Slate,
    blended_order,
    cut_page,
    explore,
    list_seed,
    order_by_rules,
    order_by_score,
    pin_items,
    pinned_slots,
    with_following,
)
from training.retrieval.catalogue import Candidates
from training.rules import Rules


def rerank(
    request: RequestState,
    candidates: Candidates,
    scored: Scored,
    context: RequestContext | None,
) -> Slate:
    """Order the scored items; a list of the shop also by its rules and exploration."""
    query, rules = request.query, request.rules
    list_request = query.list_request
    if list_request is None:
        return order_by_score(scored, candidates.item_ids)
    with request.trace.fail_open("rerank"):
        if list_request.cursor is not None or request.retrieval.sorted_rows is not None:
            order = list(range(len(scored.item_ids)))
            page = list_request.page if list_request.cursor is None else 1
            return cut_page(scored, Explored(order), list_request.size, page)
        slots = pinned_slots(rules, scored.item_ids)
        order = pin_items(list_order(request, candidates, scored, context, rules), slots)
        explored = explore(
            order,
            scored.item_ids,
            list_request.size,
            rules.exploration,
            list_seed(query),
            frozenset(slots),
        )
        return cut_page(scored, explored, list_request.size, list_request.page)
    return order_by_score(scored, candidates.item_ids)


def list_order(
    request: RequestState,
    candidates: Candidates,
    scored: Scored,
    context: RequestContext | None,
    rules: Rules,
) -> list[int]:
    """Order the items of a list by relevance and by rules, before pins and exploration."""
    list_request = request.query.list_request
    assert list_request is not None
    surface, service = list_request.surface, scored.feature_service
    ranker_weight = 1.0 if service is None else surface.ranker_weights[service]
    ranker_weight = min(ranker_weight, request.retrieval.ranker_weight)
    order = blended_order(scored, candidates, ranker_weight)
    order = with_following(order, scored.item_ids, candidates, surface, list_request.size)
    return order_by_rules(
        order,
        scored.item_ids,
        context,
        request.resources.shop,
        rules,
        candidates=candidates,
        partial_match_sources=surface.partial_match_sources,
    )

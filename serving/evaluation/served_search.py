"""The search of a service that has no events and no ranker, for queries with human judgments."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates import merge, retrieve_candidates
from serving.query import SEARCH, SURFACES, ListRequest, Query
from serving.ranking import blended_order, order_by_rules, score_by_retrieval, with_following
from training.query_understanding import Understanding
from training.retrieval.catalogue import ItemTable, RankedList
from training.retrieval.indexes import (
    ITEM_TABLE,
    LEXICAL,
    UNDERSTANDING,
    LexicalIndexes,
    fit_similar,
)
from training.retrieval.sources import Surface, fit_spelling
from training.rules import Rules

PAGE_SIZE = 10


def served_search(item_table: ItemTable) -> dict[str, Callable[[str], RankedList]]:
    """Fit the indexes of some items, and return the search by name: as it is, and without what
    follows its first page.
    """
    shop = item_table.shop
    language = shop.market(DEFAULT_MARKET).language
    indexes = {
        ITEM_TABLE: item_table,
        LEXICAL: LexicalIndexes.fit(item_table, [language]),
        UNDERSTANDING: Understanding({language: fit_spelling(item_table, {}, language)}),
        "similar": fit_similar(item_table),
    }
    surface = SURFACES[SEARCH]
    own = {n: w for n, w in surface.sources.items() if n not in surface.following_sources}
    without = replace(surface, sources=own, following_sources=frozenset())
    return {
        "search": partial(_search, indexes, shop, surface),
        "search, matches alone": partial(_search, indexes, shop, without),
    }


def _search(indexes: Mapping[str, Any], shop: Shop, surface: Surface, text: str) -> RankedList:
    understanding: Understanding = indexes[UNDERSTANDING]
    interpreted = understanding.apply(
        text, shop.market(DEFAULT_MARKET), reads_prices=shop.price_field is not None
    )
    list_request = ListRequest(surface, size=PAGE_SIZE, interpreted=interpreted)
    query = Query(text, 0, text=text, surface=SEARCH, list_request=list_request)
    retrieval = retrieve_candidates(
        indexes.get, query, list_request, RequestContext(t=0, query=text)
    )
    candidates = merge(retrieval, surface)
    scored = score_by_retrieval(candidates, candidates.item_ids)
    order = blended_order(scored, candidates, 1.0)
    order = with_following(order, scored.item_ids, candidates, surface, PAGE_SIZE)
    order = order_by_rules(
        order,
        scored.item_ids,
        None,
        shop,
        Rules(),
        candidates=candidates,
        partial_match_sources=surface.partial_match_sources,
    )
    ids = [scored.item_ids[n] for n in order]
    return RankedList(ids, [1.0 / rank for rank in range(1, len(ids) + 1)])

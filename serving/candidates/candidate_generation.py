"""Candidates of a page: search every source of its surface, filter, and fuse the results.

A source whose index is missing or damaged is skipped.  Where no item has the words as typed, the
search drops words, then a price limit that was typed in words, then the query itself, and the
answer lists the dropped conditions.  Filters of the request always apply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from feature_repo.home import ArtifactError
from feature_repo.request_features.context import RequestContext
from serving.candidates.candidate_sources import CandidateSources
from serving.query import SURFACES, ListRequest, Query
from serving.state import Model, ModelRegistry
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import (
    Candidates,
    Filter,
    ItemTable,
    RankedList,
    RankedRows,
    Rows,
    all_of,
    facets,
    fuse,
    fuse_rows,
    sellable,
)
from training.retrieval.indexes import ITEM_TABLE, LEXICAL
from training.retrieval.sources import SourceMissingError, SourceRequest

DEPTH = 200
"""Candidates of a list: as many as can be scored within its deadline."""

RANKER_WEIGHT_IF_RELAXED = 0.3
BROWSE = "browse"
FALLBACKS = "popular", "newest"
"""Sources of a list whose own sources have no item; the newest items need no click."""


@dataclass(frozen=True)
class Retrieval:
    """Results of the candidate sources.

    Attributes:
        results: by source, the items that may be shown.
        item_ids: of the item table.
        total: number of items that match; None where it was not counted.
        facets: of the items that match.
        relaxed: dropped conditions: words, price, query, surface.
        missing: sources that could not be searched.
    """

    results: Mapping[str, RankedRows] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    total: int | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    relaxed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no source returned an item."""
        return not any(map(len, self.results.values()))

    @property
    def ranker_weight(self) -> float:
        """Weight of the ranker, which was trained on slates whose items match the query."""
        return RANKER_WEIGHT_IF_RELAXED if "words" in self.relaxed else 1.0


def retrieve_candidates(
    registry: ModelRegistry,
    query: Query,
    list_request: ListRequest,
    context: RequestContext | None,
) -> Retrieval:
    """Search every source of the surface.

    Raises:
        ArtifactError: there is no index of the items.
    """
    item_table: ItemTable | None = registry.index(ITEM_TABLE)
    if item_table is None:
        raise ArtifactError("there is no index of the items; run `aisle index`")
    request = SourceRequest(
        market=query.market,
        user_id=query.user_id,
        session_id=query.session_id,
        item_ids=list_request.seeds,
        filters=list_request.filters,
        interpreted=list_request.interpreted,
        context=context,
        item_table=item_table,
        eligible=sellable(item_table, query.market) & all_of(list_request.filters, item_table),
        indexes=registry.index,
    )
    sources = CandidateSources(request, list_request)
    if LEXICAL not in list_request.surface.sources:
        return _recommend(sources)
    return _search(sources)


def merge(retrieval: Retrieval, weights: Mapping[str, float]) -> Candidates:
    """Fuse the results of the sources."""
    return fuse_rows(retrieval.results, retrieval.item_ids, weights, DEPTH)


def popular_candidates(model: Model) -> Candidates:
    """Return the most popular items of the snapshot, for when nothing else is available."""
    scores = {} if model.popularity is None else model.popularity.value.scores
    return fuse({"popularity": RankedList.best(scores, DEPTH)}, {}, DEPTH)


def continued_candidates(item_ids: Sequence[str]) -> Candidates:
    """Return the rest of a list whose order an earlier page decided."""
    scores = [1.0 / rank for rank in range(1, len(item_ids) + 1)]
    ranks = {
        item: {"page": (rank, score)}
        for rank, (item, score) in enumerate(zip(item_ids, scores, strict=True), start=1)
    }
    return Candidates(item_ids, scores, ranks)


def _recommend(sources: CandidateSources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    results = {name: sources.search(name) for name in sources.list_request.surface.sources}
    if not any(map(len, results.values())):
        results, relaxed = _fallback(sources), (*relaxed, "surface")
    eligible = sources.request.eligible
    return Retrieval(
        results,
        sources.item_table.item_ids,
        int(np.count_nonzero(eligible)),
        facets(sources.item_table, eligible),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _fallback(sources: CandidateSources) -> dict[str, RankedRows]:
    """Return the items of the first fallback that has any."""
    results: dict[str, RankedRows] = {}
    for name in FALLBACKS:
        results = {name: sources.search(name)}
        if len(results[name]):
            break
    return results


def _search(sources: CandidateSources) -> Retrieval:
    interpreted, eligible = sources.list_request.interpreted, sources.request.eligible
    limits = price_filters(interpreted, sources.item_table)
    priced = sources
    if limits:
        eligible = eligible & all_of(limits, sources.item_table)
        priced = replace(sources, request=replace(sources.request, eligible=eligible))
    if not interpreted.words:
        return _browse(priced) if limits else _browse(sources, ("query",))
    half = (len(interpreted.words) + 1) // 2
    return (
        _with_words(priced, half)
        or (_with_words(sources, 1, ("price",)) if limits else _with_words(sources, 1))
        or _browse(sources, ("query",))
    )


def _browse(sources: CandidateSources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    """Recommend to the shopper, whatever the query is."""
    list_request = replace(sources.list_request, surface=SURFACES[BROWSE])
    return _recommend(replace(sources, list_request=list_request), relaxed)


def _with_words(
    sources: CandidateSources, least: int, relaxed: tuple[str, ...] = ()
) -> Retrieval | None:
    """Search the items with the most words of the query; None where none has at least `least`.

    Where no item has them all, those with any word are returned.  Items that match in part follow
    the others; they count neither in the total nor in the facets.
    """
    most = len(set(sources.list_request.interpreted.words))
    surface = sources.list_request.surface
    hits, rows, count = _strictest(sources, min(least, most), most)
    exact = [name for name in surface.sources if name not in surface.partial_match_sources]
    results = {name: hits if name == LEXICAL else sources.search(name) for name in exact}
    if not any(map(len, results.values())):
        return None
    if len(hits) and count < most:
        (hits, rows), relaxed = sources.words(1), ("words", *relaxed)
        results = {**results, LEXICAL: hits}
    matching = np.zeros(sources.request.eligible.size, dtype=np.bool_)
    matching[rows] = True
    for name in exact:
        if name != LEXICAL:
            matching[results[name].rows] = True
    partial = [name for name in surface.sources if name in surface.partial_match_sources]
    results |= {name: sources.search(name) for name in partial}
    return Retrieval(
        results,
        sources.item_table.item_ids,
        int(np.count_nonzero(matching)),
        facets(sources.item_table, matching),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _strictest(sources: CandidateSources, least: int, most: int) -> tuple[RankedRows, Rows, int]:
    """Return the items with as many words as any item has, and that number, by bisection."""
    best, best_rows, count = RankedRows(), np.empty(0, np.int64), 0
    low, high, middle = least, most, most
    try:
        while low <= high:
            hits, rows = sources.words(middle)
            if len(hits):
                best, best_rows, count, low = hits, rows, middle, middle + 1
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
    except SourceMissingError:
        sources.missing.append(LEXICAL)
    return best, best_rows, count


def price_filters(interpreted: InterpretedQuery, item_table: ItemTable) -> tuple[Filter, ...]:
    """Return the price limits that were typed in words, as a filter; none where there are none."""
    field = item_table.shop.item_role("price")
    if field is None or not interpreted.has_price:
        return ()
    return (Filter(field, None, interpreted.price_low, interpreted.price_high),)

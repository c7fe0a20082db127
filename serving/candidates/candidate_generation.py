"""Retrieval for a page: search every source of its surface, and filter the results.

A source whose index is missing or damaged is skipped.  Where no item has the words as typed, the
search drops words, then a price limit that was typed in words, then the query itself, and the
answer lists the dropped conditions.  Filters of the request always apply, and so does what the
query excludes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from feature_repo.home import ArtifactError
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Market
from serving.candidates.candidate_sources import CandidateSources
from serving.candidates.query_conditions import price_filters, with_phrases, without_excluded
from serving.candidates.variants import Variants
from serving.query import SURFACES, ListRequest, Query
from training.retrieval.catalogue import (
    Flags,
    ItemTable,
    RankedRows,
    Rows,
    all_of,
    facets,
    sellable,
)
from training.retrieval.indexes import ITEM_TABLE, LEXICAL, MOST_CONCEPTS, NEWEST, Newest
from training.retrieval.sources import SourceMissingError, SourceRequest

DEPTH = 200
"""Candidates of a list: as many as can be scored within its deadline."""

RANKER_WEIGHT_IF_RELAXED = 0.3
BROWSE = "browse"
_NO_ROWS: Rows = np.empty(0, np.int64)
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
        relaxed: dropped conditions: words, phrase, price, query, surface.
        dropped_words: words of the query that the matching items need not have.
        missing: sources that could not be searched.
        more: rows of further items that meet the filters, to list as many as the total says.
        sorted_rows: the first matching items in the order of the request; None for relevance.
        variants: of the items; None where a list shows each item.
    """

    results: Mapping[str, RankedRows] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    total: int | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    relaxed: tuple[str, ...] = ()
    dropped_words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    more: Rows = field(default_factory=lambda: _NO_ROWS)
    sorted_rows: Rows | None = None
    variants: Variants | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no source returned an item."""
        return not any(map(len, self.results.values()))

    @property
    def ranker_weight(self) -> float:
        """Weight of the ranker, which was trained on slates whose items match the query."""
        return RANKER_WEIGHT_IF_RELAXED if "words" in self.relaxed else 1.0


def retrieve_candidates(
    indexes: Callable[[str], Any],
    query: Query,
    list_request: ListRequest,
    context: RequestContext | None,
) -> Retrieval:
    """Search every source of the surface.

    Args:
        indexes: returns the index of a kind, or None where it is not published.
        query: the request.
        list_request: the list to fill.
        context: live features of the shopper and the query; None where they cannot be read.

    Raises:
        ArtifactError: there is no index of the items.
    """
    item_table: ItemTable | None = indexes(ITEM_TABLE)
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
        indexes=indexes,
    )
    sources = CandidateSources(request, list_request, Variants.of(item_table))
    if LEXICAL not in list_request.surface.sources:
        return _recommend(sources)
    return _search(sources, item_table.shop.market(query.market))


def _recommend(sources: CandidateSources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    results = {name: sources.search(name) for name in sources.list_request.surface.sources}
    if not any(map(len, results.values())):
        results, relaxed = _fallback(sources), (*relaxed, "surface")
    eligible = sources.request.eligible.copy()
    eligible[sources.request.rows_of_seeds] = False
    sources = sources.within(eligible)
    return Retrieval(
        results,
        sources.item_table.item_ids,
        sources.count(eligible),
        facets(sources.item_table, eligible, sources.list_request.facets),
        relaxed,
        missing=tuple(dict.fromkeys(sources.missing)),
        more=_remaining(sources, results),
        sorted_rows=_sorted_rows(sources, eligible),
        variants=sources.variants,
    )


def _sorted_rows(sources: CandidateSources, matching: Flags) -> Rows | None:
    """Return the first matching items in the order of the request; None for relevance."""
    sort = sources.list_request.sort
    if sort is None:
        return None
    if sort.field is not None:
        numbers = sources.item_table.numbers(sort.field)
    else:
        newest: Newest | None = sources.request.indexes(NEWEST)
        if newest is None:
            sources.missing.append(NEWEST)
            return None
        numbers = newest.instants(sources.item_table)
    rows = sort.rows(numbers, matching)
    return (rows if sources.variants is None else sources.variants.firsts(rows))[:DEPTH]


def _remaining(sources: CandidateSources, results: Mapping[str, RankedRows]) -> Rows:
    """Return rows of items that meet the filters and are in no source, in the order of the table.

    The lists of the sources are cut, and lack items of a large catalogue that few shoppers clicked.
    """
    list_request = sources.list_request
    if not list_request.filters and list_request.surface.name != BROWSE:
        return _NO_ROWS
    remaining = sources.request.eligible.copy()
    for ranked in results.values():
        remaining[ranked.rows] = False
    rows = np.flatnonzero(remaining)
    if sources.variants is not None:
        listed = np.concatenate([ranked.rows for ranked in results.values()])
        rows = sources.variants.firsts(sources.variants.without_groups_of(rows, listed))
    return rows[:DEPTH]


def _fallback(sources: CandidateSources) -> dict[str, RankedRows]:
    """Return the items of the first fallback that has any."""
    results: dict[str, RankedRows] = {}
    for name in FALLBACKS:
        results = {name: sources.search(name)}
        if len(results[name]):
            break
    return results


def _search(sources: CandidateSources, market: Market) -> Retrieval:
    interpreted = sources.list_request.interpreted
    sources, relaxed = _with_conditions(sources)
    limits = price_filters(interpreted, sources.item_table, market.currency)
    if interpreted.has_price and not limits and sources.item_table.shop.price_field:
        relaxed = (*relaxed, "price")
    priced = sources
    if limits:
        priced = sources.within(sources.request.eligible & all_of(limits, sources.item_table))
    if not interpreted.words:
        restricts = limits or interpreted.excluded or interpreted.negated
        return _browse(priced, relaxed) if restricts else _popular(sources, relaxed)
    return (
        _with_words(priced, 0.5, relaxed)
        or _with_words(sources, 0.0, (*relaxed, "price") if limits else relaxed)
        or _popular(sources, relaxed)
    )


def _with_conditions(sources: CandidateSources) -> tuple[CandidateSources, tuple[str, ...]]:
    """Leave out what the query excludes, and what lacks its phrases, unless nothing has them."""
    interpreted = sources.list_request.interpreted
    relaxed: tuple[str, ...] = ()
    try:
        if interpreted.excluded or interpreted.negated:
            sources = sources.within(without_excluded(sources.request))
        if interpreted.phrases:
            eligible = with_phrases(sources.request)
            if eligible.any():
                return sources.within(eligible), relaxed
            relaxed = ("phrase",)
    except SourceMissingError:
        sources.missing.append(LEXICAL)
    return sources, relaxed


def _browse(sources: CandidateSources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    """Recommend to the shopper, whatever the query is."""
    list_request = replace(sources.list_request, surface=SURFACES[BROWSE])
    return _recommend(replace(sources, list_request=list_request), relaxed)


def _popular(sources: CandidateSources, relaxed: tuple[str, ...]) -> Retrieval:
    """Return popular items instead of matching ones; none of them matches."""
    return Retrieval(
        _fallback(sources),
        sources.item_table.item_ids,
        0,
        relaxed=(*relaxed, "query"),
        missing=tuple(dict.fromkeys(sources.missing)),
    )


def _with_words(
    sources: CandidateSources, least: float, relaxed: tuple[str, ...]
) -> Retrieval | None:
    """Search the items with the words of the query, or with those that some item has together.

    Items that match in part follow the others; they count neither in the total nor in the facets.
    Returns None where no item has the share `least` of the words.
    """
    surface, request = sources.list_request.surface, sources.request
    exact = [name for name in surface.sources if name not in surface.partial_match_sources]
    rows, dropped = _matching_rows(sources, least)
    results = {
        name: sources.search(name) if name != LEXICAL or rows.size else RankedRows()
        for name in exact
    }
    if not any(map(len, results.values())):
        return None
    if dropped and rows.size:
        relaxed = ("words", *relaxed)
    matching = np.zeros(request.eligible.size, dtype=np.bool_)
    matching[rows] = True
    for name in exact:
        if name != LEXICAL:
            matching[results[name].rows] = True
    partial = [name for name in surface.sources if name in surface.partial_match_sources]
    results |= {name: sources.search(name) for name in partial}
    return Retrieval(
        results,
        sources.item_table.item_ids,
        sources.count(matching),
        facets(sources.item_table, matching, sources.list_request.facets),
        relaxed,
        dropped,
        tuple(dict.fromkeys(sources.missing)),
        sorted_rows=_sorted_rows(sources, matching),
        variants=sources.variants,
    )


def _matching_rows(sources: CandidateSources, least: float) -> tuple[Rows, tuple[str, ...]]:
    """Return the rows of the matching items, and the words that these need not have."""
    try:
        matches = sources.request.matches
    except SourceMissingError:
        sources.missing.append(LEXICAL)
        return _NO_ROWS, ()
    required, satisfiable = matches.required, matches.satisfiable
    if not satisfiable or satisfiable.bit_count() < least * required.bit_count():
        return _NO_ROWS, ()
    concepts = sources.list_request.interpreted.concepts
    dropped = [
        concept.word
        for n, concept in enumerate(concepts[:MOST_CONCEPTS])
        if (required & ~satisfiable) >> n & 1
    ]
    return sources.request.full_matches.positions, tuple(dropped)

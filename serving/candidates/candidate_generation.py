"""Candidates of a page: every source is asked, its items filtered, and what is left is fused.

A source whose index is missing or damaged is left out.  Where nothing at all is found with the
words as typed, some of them, then a price said in words, then the query itself is given up, and
that is told.  Filters that were sent are never given up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from feature_repo.home import ArtifactError
from feature_repo.request_features.context import RequestContext
from serving.candidates.candidate_sources import SourceMissingError, Sources
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
from training.retrieval.indexes import ITEM_TABLE, POPULAR

DEPTH = 200
"""Candidates of a list: what can be scored within its deadline."""

TRUST_IF_RELAXED = 0.3
LEXICAL_SOURCE, BROWSE = "lexical", "browse"


@dataclass(frozen=True)
class Retrieval:
    """What the sources found.

    Attributes:
        found: by source, what of it may be shown.
        item_ids: of the assortment.
        total: how many items there are in all; None where that is not known.
        facets: what these are.
        relaxed: what was given up: words, price, query, surface.
        missing: sources that could not be asked.
    """

    found: Mapping[str, RankedRows] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    total: int | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    relaxed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no source found anything."""
        return not any(map(len, self.found.values()))

    @property
    def ranker_weight(self) -> float:
        """How much a ranker counts that learned from slates in which everything fitted."""
        return TRUST_IF_RELAXED if "words" in self.relaxed else 1.0


def retrieve_candidates(
    registry: ModelRegistry, query: Query, list_request: ListRequest, known: RequestContext | None
) -> Retrieval:
    """Ask every source of the surface.

    Raises:
        ArtifactError: there is no index of the items.
    """
    item_table: ItemTable | None = registry.index(ITEM_TABLE)
    if item_table is None:
        raise ArtifactError("there is no index of the items; run `aisle index`")
    kept = sellable(item_table, query.market) & all_of(list_request.filters, item_table)
    sources = Sources(registry, query, list_request, known, item_table, kept)
    if LEXICAL_SOURCE not in list_request.surface.sources:
        return _recommend(sources)
    return _search(sources)


def merge(retrieved: Retrieval, weights: Mapping[str, float]) -> Candidates:
    """Fuse what was found."""
    return fuse_rows(retrieved.found, retrieved.item_ids, weights, DEPTH)


def popular_candidates(model: Model) -> Candidates:
    """The most popular items of the snapshot, where nothing else can be had."""
    scores = {} if model.popularity is None else model.popularity.value.scores
    return fuse({"popularity": RankedList.best(scores, DEPTH)}, {}, DEPTH)


def continued_candidates(item_ids: Sequence[str]) -> Candidates:
    """An order decided before."""
    scores = [1.0 / rank for rank in range(1, len(item_ids) + 1)]
    places = {
        item: {"page": (rank, score)}
        for rank, (item, score) in enumerate(zip(item_ids, scores, strict=True), start=1)
    }
    return Candidates(item_ids, scores, places)


def _recommend(sources: Sources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    found = {name: sources.ask(name) for name in sources.list_request.surface.sources}
    if not any(map(len, found.values())):
        found, relaxed = {POPULAR: sources.ask(POPULAR)}, (*relaxed, "surface")
    return Retrieval(
        found,
        sources.item_table.item_ids,
        int(np.count_nonzero(sources.kept)),
        facets(sources.item_table, sources.kept),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _search(sources: Sources) -> Retrieval:
    interpreted = sources.list_request.interpreted
    limits = price_filters(interpreted, sources.item_table)
    priced = sources
    if limits:
        priced = replace(sources, kept=sources.kept & all_of(limits, sources.item_table))
    if not interpreted.words:
        return _browse(priced) if limits else _browse(sources, ("query",))
    half = (len(interpreted.words) + 1) // 2
    return (
        _with_words(priced, half)
        or (_with_words(sources, 1, ("price",)) if limits else _with_words(sources, 1))
        or _browse(sources, ("query",))
    )


def _browse(sources: Sources, relaxed: tuple[str, ...] = ()) -> Retrieval:
    """What suits the shopper, whatever was asked."""
    list_request = replace(sources.list_request, surface=SURFACES[BROWSE])
    return _recommend(replace(sources, list_request=list_request), relaxed)


def _with_words(sources: Sources, least: int, relaxed: tuple[str, ...] = ()) -> Retrieval | None:
    """What has as many of the words as can be had, and at least so many; None where nothing has.

    Where nothing has them all, what has any of them is found.  What fits in part is found too, to
    follow what fits; it is neither counted nor among the facets.
    """
    most = len(set(sources.list_request.interpreted.words))
    hits, rows, count = _strictest(sources, min(least, most), most)
    found = {LEXICAL_SOURCE: hits, "query_clicked": sources.ask("query_clicked")}
    if not any(map(len, found.values())):
        return None
    if len(hits) and count < most:
        (hits, rows), relaxed = sources.words(1), ("words", *relaxed)
        found = {**found, LEXICAL_SOURCE: hits}
    matching = np.zeros(sources.kept.size, dtype=np.bool_)
    matching[rows] = True
    matching[found["query_clicked"].rows] = True
    found |= {
        name: sources.ask(name)
        for name in sorted(sources.list_request.surface.partial_match_sources)
    }
    return Retrieval(
        found,
        sources.item_table.item_ids,
        int(np.count_nonzero(matching)),
        facets(sources.item_table, matching),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _strictest(sources: Sources, least: int, most: int) -> tuple[RankedRows, Rows, int]:
    """The items with as many of the words as any has, and how many these are: by bisection."""
    best, of_best, count = RankedRows(), np.empty(0, np.int64), 0
    low, high, asked = least, most, most
    try:
        while low <= high:
            hits, rows = sources.words(asked)
            if len(hits):
                best, of_best, count, low = hits, rows, asked, asked + 1
            else:
                high = asked - 1
            asked = (low + high + 1) // 2
    except SourceMissingError:
        sources.missing.append(LEXICAL_SOURCE)
    return best, of_best, count


def price_filters(interpreted: InterpretedQuery, item_table: ItemTable) -> tuple[Filter, ...]:
    """The price limits said in words, as a filter; none where none was said."""
    field = item_table.shop.item_role("price")
    if field is None or not interpreted.has_price:
        return ()
    return (Filter(field, None, interpreted.price_low, interpreted.price_high),)

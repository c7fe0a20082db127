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
from serving.query import SURFACES, Question, Wanted
from serving.state import Model, ModelRegistry
from training.query_understanding import Understood
from training.retrieval.catalogue import (
    Assortment,
    Candidates,
    Filter,
    Found,
    Placed,
    Rows,
    all_of,
    facets,
    fuse,
    fuse_placed,
    sellable,
)
from training.retrieval.indexes import ASSORTMENT, POPULAR

DEPTH = 200
"""Candidates of a list: what can be scored within its deadline."""

TRUST_IF_RELAXED = 0.3
LEXICAL_SOURCE, BROWSE = "lexical", "browse"


@dataclass(frozen=True)
class Retrieved:
    """What the sources found.

    Attributes:
        found: by source, what of it may be shown.
        item_ids: of the assortment.
        total: how many items there are in all; None where that is not known.
        facets: what these are.
        relaxed: what was given up: words, price, query, surface.
        missing: sources that could not be asked.
    """

    found: Mapping[str, Placed] = field(default_factory=dict)
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
    def trust(self) -> float:
        """How much a ranker counts that learned from slates in which everything fitted."""
        return TRUST_IF_RELAXED if "words" in self.relaxed else 1.0


def find(
    registry: ModelRegistry, question: Question, wanted: Wanted, known: RequestContext | None
) -> Retrieved:
    """Ask every source of the surface.

    Raises:
        ArtifactError: there is no index of the items.
    """
    assortment: Assortment | None = registry.index(ASSORTMENT)
    if assortment is None:
        raise ArtifactError("there is no index of the items; run `aisle index`")
    kept = sellable(assortment, question.market) & all_of(wanted.filters, assortment)
    sources = Sources(registry, question, wanted, known, assortment, kept)
    if LEXICAL_SOURCE not in wanted.surface.sources:
        return _recommend(sources)
    return _search(sources)


def merge(retrieved: Retrieved, weights: Mapping[str, float]) -> Candidates:
    """Fuse what was found."""
    return fuse_placed(retrieved.found, retrieved.item_ids, weights, DEPTH)


def in_popularity(model: Model) -> Candidates:
    """The most popular items of the snapshot, where nothing else can be had."""
    scores = {} if model.popularity is None else model.popularity.value.scores
    return fuse({"popularity": Found.best(scores, DEPTH)}, {}, DEPTH)


def in_order(item_ids: Sequence[str]) -> Candidates:
    """An order decided before."""
    scores = [1.0 / rank for rank in range(1, len(item_ids) + 1)]
    places = {
        item: {"page": (rank, score)}
        for rank, (item, score) in enumerate(zip(item_ids, scores, strict=True), start=1)
    }
    return Candidates(item_ids, scores, places)


def _recommend(sources: Sources, relaxed: tuple[str, ...] = ()) -> Retrieved:
    found = {name: sources.ask(name) for name in sources.wanted.surface.sources}
    if not any(map(len, found.values())):
        found, relaxed = {POPULAR: sources.ask(POPULAR)}, (*relaxed, "surface")
    return Retrieved(
        found,
        sources.assortment.item_ids,
        int(np.count_nonzero(sources.kept)),
        facets(sources.assortment, sources.kept),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _search(sources: Sources) -> Retrieved:
    understood = sources.wanted.understood
    limits = price_filters(understood, sources.assortment)
    priced = sources
    if limits:
        priced = replace(sources, kept=sources.kept & all_of(limits, sources.assortment))
    if not understood.words:
        return _browse(priced) if limits else _browse(sources, ("query",))
    half = (len(understood.words) + 1) // 2
    return (
        _with_words(priced, half)
        or (_with_words(sources, 1, ("price",)) if limits else _with_words(sources, 1))
        or _browse(sources, ("query",))
    )


def _browse(sources: Sources, relaxed: tuple[str, ...] = ()) -> Retrieved:
    """What suits the shopper, whatever was asked."""
    wanted = replace(sources.wanted, surface=SURFACES[BROWSE])
    return _recommend(replace(sources, wanted=wanted), relaxed)


def _with_words(sources: Sources, least: int, relaxed: tuple[str, ...] = ()) -> Retrieved | None:
    """What has as many of the words as can be had, and at least so many; None where nothing has.

    Where nothing has them all, what has any of them is found.  What fits in part is found too, to
    follow what fits; it is neither counted nor among the facets.
    """
    most = len(set(sources.wanted.understood.words))
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
    found |= {name: sources.ask(name) for name in sorted(sources.wanted.surface.later)}
    return Retrieved(
        found,
        sources.assortment.item_ids,
        int(np.count_nonzero(matching)),
        facets(sources.assortment, matching),
        relaxed,
        tuple(dict.fromkeys(sources.missing)),
    )


def _strictest(sources: Sources, least: int, most: int) -> tuple[Placed, Rows, int]:
    """The items with as many of the words as any has, and how many these are: by bisection."""
    best, of_best, count = Placed(), np.empty(0, np.int64), 0
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


def price_filters(understood: Understood, assortment: Assortment) -> tuple[Filter, ...]:
    """The price limits said in words, as a filter; none where none was said."""
    field = assortment.shop.item_role("price")
    if field is None or not understood.has_price:
        return ()
    return (Filter(field, None, understood.price_low, understood.price_high),)

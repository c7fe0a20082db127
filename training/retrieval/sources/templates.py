"""Indexes and searches that several sources share: top lists and neighbours."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from feature_repo.shop import Shop
from training.retrieval.catalogue import ItemChanges, RankedList
from training.retrieval.indexes import LEXICAL as LEXICAL_KIND
from training.retrieval.indexes import LexicalIndexes, Neighbours, Newest, TopLists
from training.retrieval.sources.request import MOST_LOOKED_UP, SourceRequest
from training.retrieval.sources.spec import FitInputs, IndexSpec

DECAY = 0.9
"""Weight of a click relative to the click after it."""

Search = Callable[[SourceRequest], RankedList]


def top_lists_index(kind: str, fit: Callable[[FitInputs], TopLists]) -> IndexSpec:
    """Declare an index of lists by market and category."""

    def load(folder: Path, _: Shop) -> TopLists:
        lists = TopLists.load(folder)
        lists.shares("")
        return lists

    return IndexSpec(kind, fit, load, follow=_follow_top_lists)


def _follow_top_lists(lists: TopLists, changes: ItemChanges) -> TopLists:
    """Return the changed lists, with their caches filled."""
    changed = lists.with_changes(changes)
    changed.shares("")
    return changed


def search_top_list(index: IndexSpec) -> Search:
    """Search the list of the request's market, and of its category where it has one."""

    def search(request: SourceRequest) -> RankedList:
        lists: TopLists | Newest = request.index(index.kind)
        return lists.search(request.market, MOST_LOOKED_UP, request.category)

    return search


def neighbours_index(
    kind: str, fit: Callable[[FitInputs], Neighbours], reads: Literal["log", "texts"] = "log"
) -> IndexSpec:
    """Declare an index of each item's neighbours."""

    def load(folder: Path, _: Shop) -> Neighbours:
        neighbours = Neighbours.load(folder)
        neighbours.search([""], 1)
        return neighbours

    return IndexSpec(kind, fit, load, reads)


def search_neighbours(index: IndexSpec) -> Search:
    """Search the neighbours of the request's seeds; a clicked seed weighs less with its age."""

    def search(request: SourceRequest) -> RankedList:
        seeds = request.seeds
        weights = None if request.item_ids else [DECAY**n for n in range(len(seeds))]
        neighbours: Neighbours = request.index(index.kind)
        return neighbours.search(seeds, MOST_LOOKED_UP, weights)

    return search


def _load_lexical(folder: Path, _: Shop) -> LexicalIndexes:
    indexes = LexicalIndexes.load(folder)
    for index in indexes.by_language.values():
        index.search([""])
    return indexes


LEXICAL = IndexSpec(
    LEXICAL_KIND,
    lambda inputs: LexicalIndexes.fit(inputs.item_table, inputs.languages),
    _load_lexical,
    follow=LexicalIndexes.with_changes,
)
"""BM25 over the items' texts."""

POPULAR = top_lists_index(
    "popular", lambda inputs: TopLists.popular(inputs.home, inputs.item_table)
)
"""The most popular items of each market and category."""

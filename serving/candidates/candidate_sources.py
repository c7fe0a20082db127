"""The sources of candidates, as one request may ask them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from feature_repo.request_features.context import RequestContext, as_list
from feature_repo.request_features.families import split
from serving.query import ListRequest, Query
from serving.state import ModelRegistry
from training.retrieval.catalogue import Flags, ItemTable, RankedList, RankedRows, Rows, highest
from training.retrieval.indexes import (
    LEXICAL,
    MOST_HITS,
    NEWEST,
    POPULAR,
    SIMILAR,
    TOGETHER,
    TRENDING,
    Matches,
)

ASKED = 400
"""Items a source gives at most."""

OVERASKED = 4 * ASKED
"""Items looked at in one: some are filtered away."""

SEEDS = 10
PAST_SHARE = 0.9
"""What a click counts of the click after it, when the shopper's own past is looked at.

Items bought at once count alike.
"""


class SourceMissingError(Exception):
    """An index, or what is known of the shopper, cannot be had."""


@dataclass
class Sources:
    """What a request may ask.

    Attributes:
        wanted: by the question.
        known: of the shopper and the query; None where that cannot be had.
        assortment: N items.
        kept: shape (N,), which of them may be shown.
        missing: the sources that could not be asked.
    """

    registry: ModelRegistry
    query: Query
    list_request: ListRequest
    known: RequestContext | None
    item_table: ItemTable
    kept: Flags
    missing: list[str] = field(default_factory=list)

    def ask(self, name: str) -> RankedRows:
        """The items of a source that may be shown; none where it cannot be asked."""
        try:
            return _ASK[name](self)
        except SourceMissingError:
            self.missing.append(name)
            return RankedRows()

    def words(self, at_least: int, size: int = MOST_HITS) -> tuple[RankedRows, Rows]:
        """The best items with so many of the words, of the first `size`; and the rows of all.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        matches, placed = self._matches
        matches = matches.with_words(at_least, size)
        rows = placed[matches.places]
        flags = (rows >= 0) & (self.kept[rows] if self.kept.size else False)
        rows, scores = rows[flags], matches.scores[flags]
        best = highest(scores, ASKED)
        return RankedRows(rows[best], scores[best]), rows

    @cached_property
    def _matches(self) -> tuple[Matches, Rows]:
        """What has any of the words; and where each item of the index is in the assortment."""
        index, interpreted = self.index(LEXICAL), self.list_request.interpreted
        placed = self.item_table.rows_of(LEXICAL, index.item_ids)
        return index.match(interpreted.words, interpreted.language), placed

    def some_words(self) -> RankedRows:
        """The best items with any of the words; all are looked at where filters leave few."""
        return self.words(1, MOST_HITS if self.list_request.filters else OVERASKED)[0]

    def allowed(self, found: RankedList) -> RankedRows:
        """The first of the items that may be shown, but for those the list is about."""
        rows = self.item_table.rows(found.item_ids)
        flags = (rows >= 0) & (self.kept[rows] if self.kept.size else False)
        if self.list_request.seeds:
            flags &= ~np.isin(rows, self.item_table.rows(self.list_request.seeds))
        first = np.flatnonzero(flags)[:ASKED]
        return RankedRows(rows[first], np.array(found.scores, np.float64)[first])

    def index(self, kind: str) -> Any:
        """An index.

        Raises:
            SourceMissingError: there is none.
        """
        index = self.registry.index(kind)
        if index is None:
            raise SourceMissingError
        return index

    @property
    def past(self) -> list[str]:
        """The items the shopper clicked, newest first, each once; none of nobody.

        Raises:
            SourceMissingError: the live features cannot be read.
        """
        if self.query.user_id is None:
            return []
        if self.known is None:
            raise SourceMissingError
        clicked = as_list(self.known.user.get("user_recent__clicked_item_ids"))
        return list(dict.fromkeys(item for item in clicked if item))

    @property
    def seeds(self) -> Sequence[str]:
        """The items the list is about; where it is about none, those the shopper clicked last."""
        return self.list_request.seeds or self.past[:SEEDS]

    @property
    def category(self) -> str | None:
        """The one category asked for, or meant."""
        intents = self.list_request.interpreted.intents.get("category")
        for one in self.list_request.filters:
            if one.field.role == "category" and one.any_of and len(one.any_of) == 1:
                codes = self.item_table.coded(one.field)
                (folded,) = one.any_of
                return next((codes.values[n] for n in codes.code.get(folded, ())), None)
        return intents[0] if intents else None


def _chart(kind: str) -> Callable[[Sources], RankedRows]:
    return lambda asked: _listed(asked, kind, asked.category)


def _neighbours(kind: str) -> Callable[[Sources], RankedRows]:
    def ask(asked: Sources) -> RankedRows:
        seeds = asked.seeds
        weights = None if asked.list_request.seeds else [PAST_SHARE**n for n in range(len(seeds))]
        return asked.allowed(asked.index(kind).search(seeds, OVERASKED, weights))

    return ask


def _listed(asked: Sources, kind: str, category: str | None) -> RankedRows:
    return asked.allowed(asked.index(kind).search(asked.query.market, OVERASKED, category))


def _past(asked: Sources) -> RankedRows:
    """What the shopper clicked, that often and that lately; of equals, the newest first."""
    if not asked.past or asked.known is None:
        return RankedRows()
    recent = (asked.known.user.get(f"user_recent__clicked_{name}") for name in ("item_ids", "at"))
    clicked, at = map(as_list, recent)
    age = {instant: n for n, instant in enumerate(dict.fromkeys(at))}
    scores = dict.fromkeys(asked.past, 0.0)
    for item, instant in zip(clicked, at, strict=False):
        if item:
            scores[item] += PAST_SHARE ** age[instant]
    best = sorted(scores, key=lambda item: -scores[item])
    return asked.allowed(RankedList(best, [scores[item] for item in best]))


def _favourites(asked: Sources) -> RankedRows:
    """What is popular in the categories the shopper clicked in.

    Places are shared among these by clicks as seats are among parties (d'Hondt): the r-th of a
    category with n clicks scores n / r.
    """
    category = asked.item_table.shop.item_role("category")
    if asked.query.user_id is None or category is None:
        return RankedRows()
    if asked.known is None:
        raise SourceMissingError
    clicked = as_list(asked.known.user.get(f"user_recent__clicked_{category.column}"))
    times = Counter(value for text in clicked for value in split(text))
    scores: dict[str, float] = {}
    for value, clicks in times.items():
        found = asked.index(POPULAR).search(asked.query.market, ASKED, value)
        for rank, item in enumerate(found.item_ids, start=1):
            scores[item] = max(scores.get(item, 0.0), clicks / rank)
    return asked.allowed(RankedList.best(scores, OVERASKED))


def _category(asked: Sources) -> RankedRows:
    """What is popular in the category that is meant; nothing where none is."""
    return RankedRows() if asked.category is None else _listed(asked, POPULAR, asked.category)


def _query_clicked(asked: Sources) -> RankedRows:
    """What shoppers clicked after this very query."""
    if asked.known is None:
        raise SourceMissingError
    row = asked.known.query_row
    items = as_list(row.get("query_clicked_items__clicked_item_keys"))
    clicks = as_list(row.get("query_clicked_items__clicked_item_weights"))
    if len(items) != len(clicks):
        return RankedRows()
    return asked.allowed(RankedList(items, [float(n) for n in clicks]))


_ASK: dict[str, Callable[[Sources], RankedRows]] = {
    "popular": _chart(POPULAR),
    "trending": _chart(TRENDING),
    "newest": _chart(NEWEST),
    "similar": _neighbours(SIMILAR),
    "together": _neighbours(TOGETHER),
    "past": _past,
    "favourites": _favourites,
    "query_clicked": _query_clicked,
    "category": _category,
    "some_words": Sources.some_words,
}
"""By name; words are asked apart, because they may be relaxed."""

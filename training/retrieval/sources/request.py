"""The data of one request that a candidate source may read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np

from feature_repo.request_features.context import RequestContext, as_list
from training.query_understanding import Concept, InterpretedQuery
from training.retrieval.catalogue import (
    Filter,
    Flags,
    ItemTable,
    RankedList,
    RankedRows,
    Rows,
)
from training.retrieval.indexes import LEXICAL, Lexical, Matches

MOST_RESULTS = 400
"""Maximum number of items that a source returns."""

MOST_LOOKED_UP = 4 * MOST_RESULTS
"""Number of items that a source reads from an index: filters remove some of them."""

MOST_SEEDS = 10


class SourceMissingError(Exception):
    """A source lacks its index, or the live features of the shopper."""


@dataclass
class SourceRequest:
    """One request, for candidate sources.

    Attributes:
        market: of the shopper.
        user_id: None for a visitor without a name.
        item_ids: the items that the list is about; empty for most surfaces.
        filters: the filters of the request.
        interpreted: the query; empty where there is none.
        context: live features of the shopper and the query; None where they cannot be read.
        item_table: N items.
        eligible: shape (N,), whether each item may be shown.
        indexes: returns the index of a kind, or None where it is not published.
        session_id: None where the visit is unknown.
    """

    market: str
    user_id: str | None
    item_ids: Sequence[str]
    filters: Sequence[Filter]
    interpreted: InterpretedQuery
    context: RequestContext | None
    item_table: ItemTable
    eligible: Flags
    indexes: Callable[[str], Any]
    session_id: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether the request names neither a user nor a session."""
        return self.user_id is None and self.session_id is None

    def index(self, kind: str) -> Any:
        """Return the index of a kind.

        Raises:
            SourceMissingError: it is not published.
        """
        index = self.indexes(kind)
        if index is None:
            raise SourceMissingError(kind)
        return index

    def features(self) -> RequestContext:
        """Return the live features of the shopper and the query.

        Raises:
            SourceMissingError: they cannot be read.
        """
        if self.context is None:
            raise SourceMissingError("live features")
        return self.context

    @property
    def clicked_items(self) -> list[str]:
        """The items that the shopper clicked, newest first, each once; none for anonymous ones.

        Raises:
            SourceMissingError: the live features cannot be read.
        """
        if self.is_anonymous:
            return []
        clicked = as_list(self.features().user.get("user_recent__clicked_item_ids"))
        return list(dict.fromkeys(item for item in clicked if item))

    @property
    def seeds(self) -> Sequence[str]:
        """The items that the list is about; else the items that the shopper clicked last."""
        return self.item_ids or self.clicked_items[:MOST_SEEDS]

    @property
    def category(self) -> str | None:
        """The one category of the filters, else the one that the query implies."""
        for one in self.filters:
            if one.field.role == "category" and len(one.any_of or ()) == 1 and not one.is_negated:
                codes = self.item_table.coded(one.field)
                folded = next(iter(one.any_of or ()))
                return next((codes.values[n] for n in codes.code.get(folded, ())), None)
        intent = self.interpreted.intents.get("category")
        return intent[0] if intent else None

    @property
    def rows_of_seeds(self) -> Rows:
        """The rows of the items that the list is about."""
        rows = self.item_table.rows(self.item_ids)
        return rows[rows >= 0]

    def select(self, results: RankedList) -> RankedRows:
        """Return the first results that may be shown, without the items that the list is about."""
        rows = self.item_table.rows(results.item_ids)
        flags = self._are_eligible(rows)
        if self.item_ids:
            flags &= ~np.isin(rows, self.item_table.rows(self.item_ids))
        first = np.flatnonzero(flags)[:MOST_RESULTS]
        return RankedRows(rows[first], np.array(results.scores, np.float64)[first])

    @cached_property
    def with_words(self) -> RankedRows:
        """The best items with all words of the query that some item has together.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        return RankedRows(*self.full_matches.best(MOST_RESULTS))

    @cached_property
    def with_some_words(self) -> RankedRows:
        """The best items with any word, by how much of the query they match.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        return RankedRows(*self.matches.best(MOST_RESULTS, by_coverage=True))

    @property
    def best_matches(self) -> list[str]:
        """The items that match the query best, those with all words first.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        best = (self.with_words, self.with_some_words)
        rows = [row for one in best for row in one.rows[:MOST_SEEDS].tolist()]
        return [self.item_table.item_ids[row] for row in dict.fromkeys(rows)][:MOST_SEEDS]

    @cached_property
    def full_matches(self) -> Matches:
        """The items with all words that some item has together.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        satisfiable = self.matches.satisfiable
        return self.matches.with_all(satisfiable) if satisfiable else self.matches

    @cached_property
    def matches(self) -> Matches:
        """The items that may be shown and have any word of the query; positions are rows.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        index, row_of = self._lexical()
        matches: Matches = index.match(self.interpreted.concepts)
        matches = replace(matches, positions=row_of[matches.positions])
        return matches.select(self._are_eligible(matches.positions))

    def rows_with(self, concepts: Sequence[Concept]) -> Rows:
        """Return the rows of the items that have all of some concepts.

        Raises:
            SourceMissingError: there is no lexical index.
        """
        index, row_of = self._lexical()
        positions = reduce(np.intersect1d, [index.positions_of(concept) for concept in concepts])
        rows: Rows = row_of[positions]
        return rows[rows >= 0]

    def _lexical(self) -> tuple[Lexical, Rows]:
        """Return the index of the query's language, and the row of each of its items."""
        index: Lexical = self.index(LEXICAL).of(self.interpreted.language)
        added = index.changes.added_ids
        return index, self.item_table.rows_of(f"{LEXICAL} {index.language}", index.item_ids, added)

    def _are_eligible(self, rows: Rows) -> Flags:
        flags: Flags = (rows >= 0) & (self.eligible[rows] if self.eligible.size else False)
        return flags

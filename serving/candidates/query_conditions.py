"""Conditions of a query on every item: price limits, excluded words, phrases."""

from collections.abc import Sequence

import numpy as np

from training.query_understanding import (
    Alternative,
    Concept,
    InterpretedQuery,
    indexed_words,
    stem,
    without_negations,
    words,
)
from training.retrieval.catalogue import Filter, Flags, ItemTable, Rows
from training.retrieval.indexes import text_choices
from training.retrieval.sources import SourceRequest

MOST_READ = 1_000
"""Items whose texts are read for a phrase, those that match the query first."""


def price_filters(
    interpreted: InterpretedQuery, item_table: ItemTable, currency: str | None
) -> tuple[Filter, ...]:
    """Return the price limits that were typed in words, as a filter.

    There is none where the shop has no prices, or for an amount in another currency than the
    market's.
    """
    field = item_table.shop.price_field
    if field is None or not interpreted.has_price:
        return ()
    if currency and interpreted.currencies and currency not in interpreted.currencies:
        return ()
    return (Filter(field, None, interpreted.price_low, interpreted.price_high),)


def without_excluded(request: SourceRequest) -> Flags:
    """Return which items may be shown and lack what the query excludes, shape (N,).

    Raises:
        SourceMissingError: there is no lexical index.
    """
    eligible = request.eligible.copy()
    for phrase in request.interpreted.excluded:
        eligible[request.rows_with(phrase)] = False
    for phrase in request.interpreted.negated:
        rows = request.rows_with(phrase)
        rows = rows[eligible[rows]]
        eligible[rows] = False
        is_full, is_match = (
            np.isin(rows, matches.positions) for matches in (request.full_matches, request.matches)
        )
        read = rows[np.argsort(-2 * is_full - is_match, kind="stable")][:MOST_READ]
        eligible[read[~_name(phrase, read, request)]] = True
    return eligible


def _name(phrase: Sequence[Concept], rows: Rows, request: SourceRequest) -> Flags:
    """Return whether each item has all of some concepts, by its title or by its values.

    A description mentions more than an item has, and "bra without wire" names its wire, too.
    """
    item_table, language = request.item_table, request.interpreted.language
    names = np.zeros(rows.size, dtype=np.bool_)
    for fields in text_choices(item_table.shop, language):
        if fields[0].type == "text" and all(field.role != "title" for field in fields):
            continue
        columns = [item_table.texts_of(field, rows) for field in fields]
        for n, one in enumerate(zip(*columns, strict=True)):
            text = without_negations(next(filter(None, one), ""), language)
            stems = {stem(word, language) for word in indexed_words(text)}
            names[n] |= all(_is_named(concept, stems, language) for concept in phrase)
    return names


def _is_named(concept: Concept, stems: set[str], language: str) -> bool:
    return any(
        stems.issuperset(stem(word, language) for word in alternative.words)
        for alternative in concept.alternatives
    )


def with_phrases(request: SourceRequest) -> Flags:
    """Return which items may be shown and have every phrase of the query, shape (N,).

    Raises:
        SourceMissingError: there is no lexical index.
    """
    eligible = request.eligible
    for phrase in request.interpreted.phrases:
        rows = request.rows_with([Concept((Alternative((word,)),)) for word in phrase])
        rows = rows[eligible[rows]][:MOST_READ]
        flags = np.zeros(eligible.size, dtype=np.bool_)
        flags[rows[_have(phrase, rows, request)]] = True
        eligible = flags
    return eligible


def _have(phrase: Sequence[str], rows: Rows, request: SourceRequest) -> Flags:
    """Return whether a text of each item has the words of a phrase, one after the other."""
    item_table, typed = request.item_table, f" {' '.join(phrase)} "
    have = np.zeros(rows.size, dtype=np.bool_)
    for fields in text_choices(item_table.shop, request.interpreted.language):
        columns = [item_table.texts_of(field, rows) for field in fields]
        texts = (next(filter(None, one), "") for one in zip(*columns, strict=True))
        have |= np.array([typed in f" {' '.join(words(text))} " for text in texts], np.bool_)
    return have

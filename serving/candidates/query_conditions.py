"""Conditions of a query on every item: price limits, excluded words, phrases."""

from collections.abc import Sequence

import numpy as np

from training.query_understanding import Alternative, Concept, InterpretedQuery, words
from training.retrieval.catalogue import Filter, Flags, ItemTable, Rows
from training.retrieval.indexes import text_choices
from training.retrieval.sources import SourceRequest

MOST_READ = 2_000
"""Items whose texts are read for a phrase."""


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
    for concept, negation in request.interpreted.negated:
        # "bra without wire" names its wire, too.
        with_concept, with_negation = request.rows_with([concept]), request.rows_with([negation])
        eligible[np.setdiff1d(with_concept, with_negation)] = False
    return eligible


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

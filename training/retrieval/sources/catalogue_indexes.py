"""Indexes without a candidate source: items, query understanding, completions, popularity."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.shop import Role, Shop, ShopField
from training.artifacts import POPULARITY
from training.query_understanding import INTENTS, Intent, Spelling, Understanding, words
from training.retrieval.catalogue import ItemChanges, ItemTable, facets, sellable
from training.retrieval.indexes import (
    COMPLETIONS,
    ITEM_TABLE,
    LEAST_SHOPPERS,
    UNDERSTANDING,
    Completions,
    Popularity,
    read_actions,
)
from training.retrieval.sources.spec import FitInputs, IndexSpec

_CLICKED = (
    "select query, item_id, count(*) as clicks from actions where query is not null group by all"
)

TITLE_WEIGHT = 0.5
"""Weight of a title among completions; a category, a brand or a query weighs 1 or more."""

_NAMED_ROLES: tuple[Role, ...] = ("title", "category", "brand")


def fit_understanding(inputs: FitInputs) -> Understanding:
    """Learn spelling and intents from the catalogue and from the queries that led to clicks."""
    queries, item_table = inputs.queries, inputs.item_table
    clicks = dict(zip(queries["query"].to_pylist(), queries["clicks"].to_pylist(), strict=True))
    fields = [f for f in item_table.shop.item_fields if f.role in ("title", *INTENTS)]
    columns = [item_table.texts(field) for field in fields]
    texts = [" ".join(row) for row in zip(*columns, strict=True)]
    return Understanding(Spelling.fit(texts, clicks), _intents(inputs))


def follow_understanding(understanding: Understanding, changes: ItemChanges) -> Understanding:
    """Add the words, categories and brands of changed items."""
    texts: dict[str, list[str]] = {r: _new_texts(changes, r) for r in _NAMED_ROLES}
    item_words = {word for named in texts.values() for text in named for word in words(text)}
    intents = {
        role: intent.with_values(texts.get(role, ()))
        for role, intent in understanding.intents.items()
    }
    return Understanding(understanding.spelling.with_words(item_words), intents)


def follow_completions(completions: Completions, changes: ItemChanges) -> Completions:
    """Add the titles, categories and brands of changed items."""
    return completions.with_phrases(
        (text, role, TITLE_WEIGHT if role == "title" else _weight(1))
        for role in _NAMED_ROLES
        for text in _new_texts(changes, role)
    )


def _new_texts(changes: ItemChanges, role: Role) -> list[str]:
    """Return the texts that changed items now have in the field with a role."""
    field = changes.after.shop.item_role(role)
    if field is None:
        return []
    values = [
        value
        for _, old, new in changes
        if (value := (new or {}).get(field.column)) and value != (old or {}).get(field.column)
    ]
    return list(dict.fromkeys(text for value in values for text in _as_list(value)))


def fit_completions(item_table: ItemTable, queries: pa.Table) -> Completions:
    """Collect what autocomplete may suggest.

    Queries come first, by label gain; then categories and brands, by number of items; then titles.
    """
    typed = [
        (row["query"], "query", 1.0 + float(row["weight"]))
        for row in queries.to_pylist()
        if row["shoppers"] >= LEAST_SHOPPERS
    ]
    named = [
        (value, role, _weight(count))
        for role in INTENTS
        if (field := item_table.shop.item_role(role)) is not None  # type: ignore[arg-type]
        for value, count in _counts(item_table, field)
    ]
    title = item_table.shop.item_role("title")
    titles = [
        (text, "title", TITLE_WEIGHT) for text in (item_table.texts(title) if title else []) if text
    ]
    return Completions.fit([*typed, *named, *titles])


def _intents(inputs: FitInputs) -> dict[str, Intent]:
    item_table = inputs.item_table
    clicks = read_actions(inputs.home, _CLICKED).to_pylist()
    row = item_table.row
    intents = {}
    for role in INTENTS:
        field = item_table.shop.item_role(role)  # type: ignore[arg-type]
        if field is None:
            continue
        values = item_table.table[field.column].to_pylist()
        clicked_values = [
            (" ".join(words(click["query"])), value, float(click["clicks"]))
            for click in clicks
            if click["item_id"] in row
            for value in _as_list(values[row[click["item_id"]]])
        ]
        intents[role] = Intent.fit(clicked_values, item_table.coded(field).values)
    return intents


def _weight(items: int) -> float:
    """Return the weight of a category or brand with so many items."""
    return min(1.0 + items / 1000, 2.0)


def _as_list(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _counts(item_table: ItemTable, field: ShopField) -> list[tuple[str, int]]:
    coded = item_table.coded(field)
    counts = coded.counts(np.ones(len(item_table.item_ids), dtype=np.bool_))
    return list(zip(coded.values, counts.tolist(), strict=True))


def _load_item_table(folder: Path, shop: Shop) -> ItemTable:
    item_table = ItemTable.load(folder, shop)
    facets(item_table, sellable(item_table, DEFAULT_MARKET))
    return item_table


def _follow_item_table(before: ItemTable, changes: ItemChanges) -> ItemTable:
    """Return the changed table, with its caches filled as those of the table before."""
    for market in before.sellable:
        facets(changes.after, sellable(changes.after, market or ""))
    return changes.after


def _load_completions(folder: Path, _: Shop) -> Completions:
    completions = Completions.load(folder)
    completions.search("a", 1)
    return completions


CATALOGUE_INDEXES = (
    IndexSpec(
        ITEM_TABLE,
        lambda inputs: inputs.item_table,
        _load_item_table,
        follow=_follow_item_table,
    ),
    IndexSpec(
        UNDERSTANDING,
        fit_understanding,
        lambda folder, _: Understanding.load(folder),
        follow=follow_understanding,
    ),
    IndexSpec(
        COMPLETIONS,
        lambda inputs: fit_completions(inputs.item_table, inputs.queries),
        _load_completions,
        follow=follow_completions,
    ),
)

POPULARITY_INDEX = IndexSpec(
    POPULARITY,
    lambda inputs: Popularity.fit(inputs.home),
    lambda folder, _: Popularity.load(folder),
)
"""Published last: a service that has loaded it is ready, and then has the other indexes too."""

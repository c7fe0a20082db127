"""Indexes without a candidate source: items, query understanding, popularity."""

from collections.abc import Mapping
from itertools import chain, compress
from pathlib import Path

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.shop import Role, Shop
from training.artifacts import POPULARITY
from training.query_understanding import INTENTS, Intent, Spelling, Understanding, words
from training.retrieval.catalogue import ItemChanges, ItemTable, facets, sellable, sold_in_language
from training.retrieval.indexes import (
    ITEM_TABLE,
    UNDERSTANDING,
    Popularity,
    has_title,
    read_actions,
    text_choices,
    text_of,
)
from training.retrieval.sources import suggestions
from training.retrieval.sources.spec import FitInputs, IndexSpec

_CLICKED = (
    "select query, item_id, count(*) as clicks from actions where query is not null group by all"
)

_NAMED_ROLES: tuple[Role, ...] = ("title", "category", "brand")


def fit_understanding(inputs: FitInputs) -> Understanding:
    """Learn spelling and intents from the catalogue and from the queries that led to clicks."""
    queries = inputs.queries
    clicks = dict(zip(queries["query"].to_pylist(), queries["clicks"].to_pylist(), strict=True))
    spellings = {
        language: fit_spelling(inputs.item_table, clicks, language) for language in inputs.languages
    }
    return Understanding(spellings, _intents(inputs))


def fit_spelling(item_table: ItemTable, clicks: Mapping[str, int], language: str) -> Spelling:
    """Learn the words of one language.

    Args:
        item_table: the items.
        clicks: by query, the number of clicks after it.
        language: of the texts.
    """
    sold = sold_in_language(item_table, language)
    named: list[list[str]] = []
    other: list[list[str]] = []
    for fields in text_choices(item_table.shop, language):
        columns = [item_table.texts(field) for field in fields]
        texts = [next(filter(None, row), "") for row in compress(zip(*columns, strict=True), sold)]
        is_named = any(field.role in _NAMED_ROLES for field in fields)
        (named if is_named else other).append(texts)
    item_texts = [" ".join(texts) for texts in zip(*named, strict=True)]
    return Spelling.fit(item_texts, clicks, chain.from_iterable(other), language)


def follow_understanding(understanding: Understanding, changes: ItemChanges) -> Understanding:
    """Add the words, categories and brands of changed items."""
    spellings = {
        language: spelling.with_texts(_changed_texts(changes, language))
        for language, spelling in understanding.spellings.items()
    }
    intents: dict[str, Intent] = {
        role: understanding.intents.get(role, Intent()).with_values(_new_texts(changes, role))
        for role in INTENTS
    }
    return Understanding(spellings, intents)


def _changed_texts(changes: ItemChanges, language: str) -> list[str]:
    """Return the texts of changed items that they did not have before."""
    shop = changes.after.shop
    choices, titled = text_choices(shop, language), has_title(shop)
    return [
        text
        for _, old, new in changes
        if (texts := text_of(new, choices, titled)) and texts != text_of(old, choices, titled)
        for text in texts
    ]


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


def _intents(inputs: FitInputs) -> dict[str, Intent]:
    item_table = inputs.item_table
    clicks = read_actions(inputs.home, _CLICKED).to_pylist()
    row = item_table.row
    intents: dict[str, Intent] = {}
    for role in INTENTS:
        field = item_table.shop.item_role(role)
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


def _as_list(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _load_item_table(folder: Path, shop: Shop) -> ItemTable:
    item_table = ItemTable.load(folder, shop)
    facets(item_table, sellable(item_table, DEFAULT_MARKET))
    return item_table


def _follow_item_table(before: ItemTable, changes: ItemChanges) -> ItemTable:
    """Return the changed table, with its caches filled as those of the table before."""
    for market in before.sellable:
        facets(changes.after, sellable(changes.after, market or ""))
    return changes.after


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
    suggestions.INDEX,
)

POPULARITY_INDEX = IndexSpec(
    POPULARITY,
    lambda inputs: Popularity.fit(inputs.home),
    lambda folder, _: Popularity.load(folder),
)
"""Published last: a service that has loaded it is ready, and then has the other indexes too."""

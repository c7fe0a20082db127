"""The query's text against each candidate's title, categories and lists."""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts

GRAM = 3
NAMES = ("tokens_covered", "title_covered", "gram_jaccard", "all_covered")


def text_match(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: share of the query's words in the title, the reverse, and of 3-grams.

    `text__all_covered` is the share of the words found in the title, a category or a list.
    """
    return {f"text__{name}": values for name, values in matches(facts, shop).items()}


def matches(facts: SlateFacts, shop: Shop) -> dict[str, Floats]:
    """The measures by name, each of shape (N,); NaN without a query, or without a title."""
    if "text match" not in facts.memo:
        asked = words(facts.query) if facts.query else frozenset[str]()
        if facts.query and asked:
            titles, told = _titles(facts, shop), _told(facts, shop, asked)
            table = np.array(_matched(facts.query, asked, titles, told)).reshape(-1, len(NAMES))
        else:
            table = np.full((len(facts.item_ids), len(NAMES)), np.nan)
        facts.memo["text match"] = dict(zip(NAMES, table.T, strict=True))
    measures: dict[str, Floats] = facts.memo["text match"]
    return measures


def _titles(facts: SlateFacts, shop: Shop) -> Iterable[Any]:
    field = shop.item_role("title")
    missing = [None] * len(facts.item_ids)
    return facts.items.get(f"item_attributes__{field.column}", missing) if field else missing


def _told(facts: SlateFacts, shop: Shop, asked: frozenset[str]) -> list[set[str]]:
    """The words asked for that are among the category and list values of each candidate."""
    told: list[set[str]] = [set() for _ in facts.item_ids]
    for field in shop.taste_fields:
        values = facts.item_values(f"item_attributes__{field.column}")
        hits = [asked & words(text) for text in values.distinct]
        met = np.array([*map(bool, hits)], bool)[values.codes]
        items = np.repeat(np.arange(values.sizes.size), values.sizes)
        for item, code in zip(items[met].tolist(), values.codes[met].tolist(), strict=True):
            told[item] |= hits[code]
    return told


def gram_jaccard(one: str, other: str) -> float:
    """Shared character 3-grams as a share of all, after folding case.

    >>> gram_jaccard("foobar", "foo")
    0.25
    """
    return _jaccard(grams(one), grams(other))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 0.0


@lru_cache(maxsize=50_000)
def words(text: str) -> frozenset[str]:
    """The distinct words of a text, case folded."""
    letters = "".join(c if c.isalnum() else " " for c in text.casefold())
    return frozenset(letters.split())


@lru_cache(maxsize=50_000)
def grams(text: str) -> frozenset[str]:
    """The distinct runs of three characters of a text, case folded; a shorter text is one run."""
    folded = " ".join(text.casefold().split())
    return frozenset(folded[n : n + GRAM] for n in range(max(len(folded) - GRAM + 1, 1)))


def _matched(
    query: str, asked: frozenset[str], titles: Iterable[Any], told: Iterable[set[str]]
) -> list[tuple[float, ...]]:
    """`NAMES` of each title: in one loop, for it runs for every candidate of every request."""
    size, of_query = len(asked), grams(query)
    rows: list[tuple[float, ...]] = []
    for title, elsewhere in zip(titles, told, strict=True):
        if not isinstance(title, str) or not title:
            rows.append((math.nan, math.nan, math.nan, len(elsewhere) / size))
            continue
        named = words(title)
        found = asked & named
        rows.append(
            (
                len(found) / size,
                len(found) / len(named) if named else 0.0,
                _jaccard(of_query, grams(title)),
                (len(found | elsewhere) if elsewhere else len(found)) / size,
            )
        )
    return rows

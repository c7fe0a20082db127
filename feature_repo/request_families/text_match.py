"""The query's text against each candidate's title, categories and lists."""

from collections.abc import Sequence, Sized
from functools import lru_cache
from itertools import islice

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import Floats, SlateFacts

GRAM = 3
Words = frozenset[str]
NAMES = ("tokens_covered", "title_covered", "gram_jaccard", "all_covered")


def text_match(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: share of the query's words in the title, the reverse, and of 3-grams.

    `text__all_covered` is the share of the words found in the title, a category or a list.
    """
    return {f"text__{name}": values for name, values in matches(facts, shop).items()}


def matches(facts: SlateFacts, shop: Shop) -> dict[str, Floats]:
    """The measures by name, each of shape (N,); NaN without a query, or without a title."""
    if "text match" not in facts.memo:
        asked = words(facts.query) if facts.query else Words()
        if facts.query and asked:
            measured = _matched(facts, shop, facts.query, asked)
        else:
            measured = np.full((len(NAMES), len(facts.item_ids)), np.nan)
        facts.memo["text match"] = dict(zip(NAMES, measured, strict=True))
    measures: dict[str, Floats] = facts.memo["text match"]
    return measures


def _titles(facts: SlateFacts, shop: Shop) -> list[str]:
    """The title of each candidate, empty where it is missing."""
    field = shop.item_role("title")
    values = facts.items.get(f"item_attributes__{field.column}", ()) if field else ()
    titles = [value if isinstance(value, str) else "" for value in values]
    return titles or [""] * len(facts.item_ids)


def _with_values(
    facts: SlateFacts, shop: Shop, asked: Words, found: Sequence[Words]
) -> Sequence[Words]:
    """The words found, with those that are among the category and list values of each candidate."""
    for field in shop.taste_fields:
        values = facts.item_values(f"item_attributes__{field.column}")
        hits = [asked & words(text) for text in values.distinct]
        if any(hits):
            told = map(hits.__getitem__, values.codes.tolist())
            sizes = values.sizes.tolist()
            found = [one.union(*islice(told, n)) for one, n in zip(found, sizes, strict=True)]
    return found


def gram_jaccard(one: str, other: str) -> float:
    """Shared character 3-grams as a share of all, after folding case.

    >>> gram_jaccard("foobar", "foo")
    0.25
    """
    shared, either = grams(one) & grams(other), grams(one) | grams(other)
    return len(shared) / len(either)


@lru_cache(maxsize=50_000)
def words(text: str) -> Words:
    """The distinct words of a text, case folded."""
    letters = "".join(c if c.isalnum() else " " for c in text.casefold())
    return frozenset(letters.split())


@lru_cache(maxsize=50_000)
def grams(text: str) -> Words:
    """The distinct runs of three characters of a text, case folded; a shorter text is one run."""
    folded = " ".join(text.casefold().split())
    return frozenset(folded[n : n + GRAM] for n in range(max(len(folded) - GRAM + 1, 1)))


def _matched(facts: SlateFacts, shop: Shop, query: str, asked: Words) -> Floats:
    """`NAMES` of each candidate, shape (4, N).

    Sets are met by `map`, which is several times as fast as a loop over the titles.
    """
    titles, of_query = _titles(facts, shop), grams(query)
    named, runs = [*map(words, titles)], [*map(grams, titles)]
    found = [*map(asked.__and__, named)]
    shared = _sizes([*map(of_query.__and__, runs)])
    measured = np.array(
        [
            _sizes(found) / len(asked),
            _sizes(found) / np.maximum(_sizes(named), 1),
            shared / (len(of_query) + _sizes(runs) - shared),
            _sizes(_with_values(facts, shop, asked, found)) / len(asked),
        ]
    )
    untitled = np.array([not title for title in titles], bool)
    measured[:-1, untitled] = np.nan
    return measured


def _sizes(sets: Sequence[Sized]) -> Floats:
    return np.fromiter(map(len, sets), np.float64, len(sets))

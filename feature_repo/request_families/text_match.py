"""The query's text against each candidate's title, categories and lists."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import contains

import numpy as np
import numpy.typing as npt

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Block, Columns, named
from feature_repo.shop import Shop
from feature_repo.slate_facts import FieldValues, Floats, SlateFacts

GRAM = 3
FEW = 8
"""Words of a query that are looked for one by one."""

Words = frozenset[str]
Flags = npt.NDArray[np.bool_]
NAMES = ("tokens_covered", "title_covered", "gram_jaccard", "all_covered")
_COLUMNS = named("text__{}", NAMES)


def text_match(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: share of the query's words in the title, the reverse, and of 3-grams.

    `text__all_covered` is the share of the words found in the title, a category or a list.
    """
    return [Block(_COLUMNS, matches(facts, shop))]


def matches(facts: SlateFacts, shop: Shop) -> Floats:
    """Shape (4, N): `NAMES` of each candidate; NaN without a query, or without a title."""
    if "text match" not in facts.memo:
        asked = words(facts.query) if facts.query and facts.item_ids else Words()
        if facts.query and asked:
            measured = _matched(facts, shop, facts.query, asked)
        else:
            measured = np.full((len(NAMES), len(facts.item_ids)), np.nan)
        facts.memo["text match"] = measured
    measures: Floats = facts.memo["text match"]
    return measures


def _matched(facts: SlateFacts, shop: Shop, query: str, asked: Words) -> Floats:
    """Sets are met by `map`, which is several times as fast as a loop over the titles."""
    titles, values = _titles(facts, shop), facts.taste_values(shop.taste_columns)
    titled, runs, lengths, sizes = zip(*map(_read, titles), strict=True)
    told = [*map(words, values.items.distinct)]
    sought, of_query = _sought(asked, chain(titled, told)), grams(query)
    in_title, in_values = _having(sought, titled), _in_values(_having(sought, told), values)
    shared = np.fromiter(map(len, map(of_query.__and__, runs)), np.float64, len(runs))
    covered = in_title.sum(axis=0)
    measured = np.array(
        [
            covered / len(asked),
            covered / np.maximum(lengths, 1),
            shared / (len(of_query) + np.array(sizes) - shared),
            (in_title | in_values).sum(axis=0) / len(asked),
        ]
    )
    if "" in titles:
        measured[:-1, [not title for title in titles]] = np.nan
    return measured


def _titles(facts: SlateFacts, shop: Shop) -> list[str]:
    """The title of each candidate, empty where it is missing."""
    field = shop.item_role("title")
    values = facts.items.get(f"item_attributes__{field.column}", ()) if field else ()
    if {*map(type, values)} != {str}:
        values = [value if isinstance(value, str) else "" for value in values]
    return [*values] or [""] * len(facts.item_ids)


def _sought(asked: Words, told: Iterable[Words]) -> Words:
    """The words asked for; of a long query those that are told at all, for each takes its time."""
    return asked if len(asked) <= FEW else asked.intersection(chain.from_iterable(told))


def _having(sought: Words, told: Sequence[Words]) -> Flags:
    """Shape (words sought, texts): which texts have which of the words."""
    found = [np.fromiter(map(contains, told, repeat(word)), bool, len(told)) for word in sought]
    return np.array(found).reshape(len(sought), len(told))


def _in_values(found: Flags, values: FieldValues) -> Flags:
    """Which distinct values have which words, to which of the N candidates have one that does."""
    flags: Flags = values.by_field(values.items.sums(found[:, values.items.codes])).any(axis=1)
    return flags


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


def grams(text: str) -> Words:
    """The distinct runs of three characters of a text, case folded; a shorter text is one run."""
    folded = " ".join(text.casefold().split())
    return frozenset(folded[n : n + GRAM] for n in range(max(len(folded) - GRAM + 1, 1)))


@lru_cache(maxsize=50_000)
def _read(title: str) -> tuple[Words, Words, int, int]:
    """Words and runs of a title, and how many of each."""
    told, runs = words(title), grams(title)
    return told, runs, len(told), len(runs)

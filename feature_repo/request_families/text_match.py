"""The query's text against each candidate's title."""

from functools import lru_cache

import numpy as np

from feature_repo.rate_prior import RatePrior
from feature_repo.request_families import Columns
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts

GRAM = 3
_NAMES = ("tokens_covered", "title_covered", "gram_jaccard")


def text_match(facts: SlateFacts, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: share of the query's words in the title, the reverse, and of 3-grams."""
    title = shop.item_role("title")
    matches = np.full((len(facts.item_ids), len(_NAMES)), np.nan)
    if title is not None and facts.query and words(facts.query):
        titles = facts.items.get(f"item_attributes__{title.column}", ())
        for row, text in zip(matches, titles, strict=False):
            if isinstance(text, str) and text:
                row[:] = _match(facts.query, text)
    return {f"text__{name}": values for name, values in zip(_NAMES, matches.T, strict=True)}


def gram_jaccard(one: str, other: str) -> float:
    """Shared character 3-grams as a share of all, after folding case.

    >>> gram_jaccard("foobar", "foo")
    0.25
    """
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b) if a or b else 0.0


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


def _match(query: str, title: str) -> tuple[float, float, float]:
    asked, told = words(query), words(title)
    shared = len(asked & told)
    return (
        shared / len(asked),
        shared / len(told) if told else 0.0,
        gram_jaccard(query, title),
    )

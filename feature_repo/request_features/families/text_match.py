"""The query's text against each candidate's title, categories and lists."""

import numpy as np

from feature_repo.request_features.context import Bits, Floats, RatePrior, RequestContext, TextCodes
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

GRAM = 3
Words = frozenset[str]
NAMES = ("tokens_covered", "title_covered", "gram_jaccard", "all_covered")
_COLUMNS = named("text__{}", NAMES)


def text_match(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: share of the query's words in the title, the reverse, and of 3-grams.

    `text__all_covered` is the share of the words found in the title, a category or a list.
    """
    return [Block(_COLUMNS, matches(context, shop))]


def matches(context: RequestContext, shop: Shop) -> Floats:
    """Shape (4, N): `NAMES` of each candidate; NaN without a query, or without a title."""
    if "text match" not in context.memo:
        asked = words(context.query) if context.query and context.item_ids else Words()
        if context.query and asked:
            measured = _matched(context, shop, context.query, asked)
        else:
            measured = np.full((len(NAMES), len(context.item_ids)), np.nan)
        context.memo["text match"] = measured
    measures: Floats = context.memo["text match"]
    return measures


def _matched(context: RequestContext, shop: Shop, query: str, asked: Words) -> Floats:
    titles, values = _titles(context, shop), context.taste_values(shop.taste_columns)
    vocabulary = _vocabulary("words")
    texts = vocabulary.values([*titles, *values.items.distinct])
    having = texts.unions(_bits(vocabulary, asked).take(texts.codes, axis=1))
    in_title, in_value = having[:, : len(titles)], having[:, len(titles) :]
    in_field = values.items.unions(in_value.take(values.items.codes, axis=1))
    in_any = np.bitwise_or.reduce(values.by_field(in_field), axis=1) | in_title
    covered, covered_anywhere = np.bitwise_count([in_title, in_any]).sum(axis=1, dtype=np.float64)
    measured = np.array(
        [
            covered / len(asked),
            covered / np.maximum(texts.sizes[: len(titles)], 1),
            _gram_jaccards(titles, grams(query)),
            covered_anywhere / len(asked),
        ]
    )
    if "" in titles:
        measured[:-1, [not title for title in titles]] = np.nan
    return measured


def _bits(vocabulary: TextCodes, asked: Words) -> Bits:
    """Shape (words asked / 8, words): a bit of its own for each word asked for, none for others."""
    sought = vocabulary.numbers(asked)
    places = np.arange(sought.size)
    bits = np.zeros((-(-sought.size // 8), len(vocabulary)), np.uint8)
    bits[places // 8, sought] = 1 << places % 8
    return bits


def _gram_jaccards(titles: list[str], asked: Words) -> Floats:
    """Shape (N,): as `gram_jaccard` of each title and the text of which runs are asked for."""
    vocabulary = _vocabulary("grams")
    runs, sought = vocabulary.values(titles), vocabulary.numbers(asked)
    is_sought = np.zeros(len(vocabulary))
    is_sought[sought] = 1
    shared = runs.sums(is_sought.take(runs.codes))
    return shared / (len(asked) + runs.sizes - shared)


def _titles(context: RequestContext, shop: Shop) -> list[str]:
    """The title of each candidate, empty where it is missing."""
    field = shop.item_role("title")
    values = context.items.get(f"item_attributes__{field.column}", ()) if field else ()
    if {*map(type, values)} != {str}:
        values = [value if isinstance(value, str) else "" for value in values]
    return [*values] or [""] * len(context.item_ids)


def gram_jaccard(one: str, other: str) -> float:
    """Shared character 3-grams as a share of all, after folding case.

    >>> gram_jaccard("foobar", "foo")
    0.25
    """
    shared, either = grams(one) & grams(other), grams(one) | grams(other)
    return len(shared) / len(either)


def words(text: str) -> Words:
    """The distinct words of a text, case folded."""
    letters = "".join(c if c.isalnum() else " " for c in text.casefold())
    return frozenset(letters.split())


def grams(text: str) -> Words:
    """The distinct runs of three characters of a text, case folded; a shorter text is one run."""
    folded = " ".join(text.casefold().split())
    return frozenset(folded[n : n + GRAM] for n in range(max(len(folded) - GRAM + 1, 1)))


_kept = {"words": TextCodes(words), "grams": TextCodes(grams)}


def _vocabulary(of: str) -> TextCodes:
    """To be asked for once a slate: another may have started when it is asked for again."""
    _kept[of] = _kept[of].fresh()
    return _kept[of]

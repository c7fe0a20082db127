"""Match of the query's text with each candidate's title, categories and lists."""

import numpy as np

from feature_repo.request_features.context import Bits, Floats, RatePrior, RequestContext, TextCodes
from feature_repo.request_features.families.block import Block, Columns, named
from feature_repo.shop import Shop

GRAM = 3
Words = frozenset[str]
NAMES = ("tokens_covered", "title_covered", "gram_jaccard", "all_covered")
_COLUMNS = named("text__{}", NAMES)


def text_match(context: RequestContext, shop: Shop, _: RatePrior) -> Columns:
    """`text__<measure>`: matches of the query's words and 3-grams with the candidate.

    `…_tokens_covered` is the share of the query's words that the title contains, `…_title_covered`
    the share of the title's words that the query contains, `…_gram_jaccard` the Jaccard index of
    their 3-grams, and `…_all_covered` the share of the query's words that the title, a category or
    a list contains.
    """
    return [Block(_COLUMNS, matches(context, shop))]


def matches(context: RequestContext, shop: Shop) -> Floats:
    """Return `NAMES` of each candidate, shape (4, N); NaN without a query or a title."""
    if "text match" not in context.memo:
        query_words = words(context.query) if context.query and context.item_ids else Words()
        if context.query and query_words:
            measured = _matched(context, shop, context.query, query_words)
        else:
            measured = np.full((len(NAMES), len(context.item_ids)), np.nan)
        context.memo["text match"] = measured
    measures: Floats = context.memo["text match"]
    return measures


def _matched(context: RequestContext, shop: Shop, query: str, query_words: Words) -> Floats:
    titles, values = _titles(context, shop), context.taste_values(shop.taste_columns)
    codes = _codes("words")
    texts = codes.values([*titles, *values.items.distinct])
    having = texts.unions(_bits(codes, query_words).take(texts.codes, axis=1))
    in_title, in_value = having[:, : len(titles)], having[:, len(titles) :]
    in_field = values.items.unions(in_value.take(values.items.codes, axis=1))
    in_any = np.bitwise_or.reduce(values.by_field(in_field), axis=1) | in_title
    covered, covered_anywhere = np.bitwise_count([in_title, in_any]).sum(axis=1, dtype=np.float64)
    measured = np.array(
        [
            covered / len(query_words),
            covered / np.maximum(texts.sizes[: len(titles)], 1),
            _gram_jaccards(titles, grams(query)),
            covered_anywhere / len(query_words),
        ]
    )
    if "" in titles:
        measured[:-1, [not title for title in titles]] = np.nan
    return measured


def _bits(codes: TextCodes, query_words: Words) -> Bits:
    """Shape (query words / 8, codes): one bit for each word of the query, 0 for all others."""
    query_codes = codes.codes(query_words)
    positions = np.arange(query_codes.size)
    bits = np.zeros((-(-query_codes.size // 8), len(codes)), np.uint8)
    bits[positions // 8, query_codes] = 1 << positions % 8
    return bits


def _gram_jaccards(titles: list[str], query_grams: Words) -> Floats:
    """Shape (N,): the Jaccard index of each title's 3-grams and the query's 3-grams."""
    codes = _codes("grams")
    grams_of_titles, query_codes = codes.values(titles), codes.codes(query_grams)
    is_in_query = np.zeros(len(codes))
    is_in_query[query_codes] = 1
    shared = grams_of_titles.sums(is_in_query.take(grams_of_titles.codes))
    return shared / (len(query_grams) + grams_of_titles.sizes - shared)


def _titles(context: RequestContext, shop: Shop) -> list[str]:
    """The title of each candidate, empty if missing."""
    field = shop.item_role("title")
    values = context.items.get(f"item_attributes__{field.column}", ()) if field else ()
    if {*map(type, values)} != {str}:
        values = [value if isinstance(value, str) else "" for value in values]
    return [*values] or [""] * len(context.item_ids)


def gram_jaccard(one: str, other: str) -> float:
    """Return the Jaccard index of two texts' character 3-grams, after case folding.

    >>> gram_jaccard("foobar", "foo")
    0.25
    """
    shared, either = grams(one) & grams(other), grams(one) | grams(other)
    return len(shared) / len(either)


def words(text: str) -> Words:
    """Return the distinct words of a text, case folded."""
    letters = "".join(c if c.isalnum() else " " for c in text.casefold())
    return frozenset(letters.split())


def grams(text: str) -> Words:
    """Return the distinct 3-grams of a text, case folded; a shorter text is one gram."""
    folded = " ".join(text.casefold().split())
    return frozenset(folded[n : n + GRAM] for n in range(max(len(folded) - GRAM + 1, 1)))


_caches = {"words": TextCodes(words), "grams": TextCodes(grams)}


def _codes(kind: str) -> TextCodes:
    """The current cache.  Call once per slate: a later call may return a new one."""
    _caches[kind] = _caches[kind].fresh()
    return _caches[kind]

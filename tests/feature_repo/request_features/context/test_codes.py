"""Set operations on codes give the same result as on the pieces themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.request_features.context import TextCodes, codes
from feature_repo.request_features.families.text_match import grams, words

texts = st.lists(st.text("abç -", max_size=9), min_size=1, max_size=5)


@given(texts, texts, st.sampled_from([words, grams]))
def test_number_of_shared_pieces_equals_the_set_intersection(titles, queries, cut):
    cache, pieces = TextCodes(cut), frozenset().union(*map(cut, queries))
    cache.values(queries)

    values, query_codes = cache.values(titles), cache.codes(pieces)
    shared = values.sums(np.isin(values.codes, query_codes).astype(np.float64))

    assert shared.tolist() == [len(cut(text) & pieces) for text in titles]
    assert values.sizes.tolist() == [len(cut(text)) for text in titles]


def test_piece_of_no_text_has_no_code():
    cache = TextCodes(words)
    cache.values(["red shoe"])

    assert cache.codes(["hat"]).size == 0
    assert cache.codes(["red", "hat"]).size == 1


def test_oversized_cache_is_replaced_by_an_empty_one(monkeypatch):
    monkeypatch.setattr(codes, "CACHE_BYTES", 700)
    cache = TextCodes(words)
    cache.values(["red shoe"])

    assert cache.fresh() is cache

    cache.values(["warm hat"])

    assert cache.fresh() is not cache
    assert len(cache.fresh()) == 0


def test_texts_without_a_piece_count_toward_the_size(monkeypatch):
    monkeypatch.setattr(codes, "CACHE_BYTES", 430)
    cache = TextCodes(words)
    cache.values(["!" * 20, "?" * 20])

    assert cache.fresh() is not cache

"""What texts share is found by the numbers of their pieces as by the pieces themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.request_features.context import TextCodes, codes
from feature_repo.request_features.families.text_match import grams, words

texts = st.lists(st.text("abç -", max_size=9), min_size=1, max_size=5)


@given(texts, texts, st.sampled_from([words, grams]))
def test_pieces_in_common_are_counted_as_by_sets(told, asked, cut):
    kept = TextCodes(cut)
    kept.values(asked)

    values, sought = kept.values(told), kept.numbers(frozenset().union(*map(cut, asked)))
    shared = values.sums(np.isin(values.codes, sought).astype(np.float64))

    wanted = frozenset().union(*map(cut, asked))
    assert shared.tolist() == [len(cut(text) & wanted) for text in told]
    assert values.sizes.tolist() == [len(cut(text)) for text in told]


def test_a_piece_that_no_text_has_has_no_number():
    kept = TextCodes(words)
    kept.values(["red shoe"])

    assert kept.numbers(["hat"]).size == 0
    assert kept.numbers(["red", "hat"]).size == 1


def test_a_vocabulary_that_keeps_too_much_starts_anew(monkeypatch):
    monkeypatch.setattr(codes, "KEPT_BYTES", 30)
    kept = TextCodes(words)
    kept.values(["red shoe"])

    assert kept.fresh() is kept

    kept.values(["warm hat"])

    assert kept.fresh() is not kept
    assert len(kept.fresh()) == 0


def test_texts_without_a_piece_count_as_well(monkeypatch):
    monkeypatch.setattr(codes, "KEPT_BYTES", 40)
    kept = TextCodes(words)
    kept.values(["!" * 20, "?" * 20])

    assert kept.fresh() is not kept

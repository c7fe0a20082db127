"""Queries that mean the same have the same key."""

from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import query_key


@given(st.text(), st.text())
def test_a_key_is_its_own_folding(text, market):
    key = query_key(text, market)

    if key is not None and len(key) - len(market) < 200:
        assert query_key(key.removeprefix(f"{market}|"), market) == key


@given(st.lists(st.sampled_from(["red", "Shoes", "ÉTÉ", "straße"]), min_size=1))
def test_case_and_white_space_make_no_difference(words):
    assert query_key("\t ".join(words).upper(), "uk") == query_key(" ".join(words).lower(), "uk")


def test_width_makes_no_difference():
    assert query_key("ｒｅｄ　ｓｈｏｅｓ", "jp") == "jp|red shoes"


def test_markets_are_kept_apart():
    assert query_key("gift", "uk") != query_key("gift", "de")


def test_no_text_is_no_query():
    assert [query_key(text, "uk") for text in (None, "", " \n")] == [None] * 3


def test_a_long_text_has_a_short_key_of_its_own():
    one, other = query_key("x" * 10_000, "uk"), query_key("x" * 10_001, "uk")

    assert one != other
    assert len(one) < 250

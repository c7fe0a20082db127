"""Queries that differ only in spelling have one key."""

from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import query_key


@given(st.text(), st.text())
def test_query_key_is_idempotent(text, market):
    key = query_key(text, market)

    if key is not None and len(key) - len(market) < 200:
        assert query_key(key.removeprefix(f"{market}|"), market) == key


@given(st.lists(st.sampled_from(["red", "Shoes", "ÉTÉ", "straße"]), min_size=1))
def test_query_key_ignores_case_and_white_space(words):
    assert query_key("\t ".join(words).upper(), "uk") == query_key(" ".join(words).lower(), "uk")


def test_query_key_ignores_character_width():
    assert query_key("ｒｅｄ　ｓｈｏｅｓ", "jp") == "jp|red shoes"


def test_query_key_depends_on_the_market():
    assert query_key("gift", "uk") != query_key("gift", "de")


def test_blank_text_has_no_query_key():
    assert [query_key(text, "uk") for text in (None, "", " \n")] == [None] * 3


def test_long_text_has_a_short_unique_key():
    one, other = query_key("x" * 10_000, "uk"), query_key("x" * 10_001, "uk")

    assert one != other
    assert len(one) < 250

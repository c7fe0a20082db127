"""A cached row is decoded once and equals the decoded one."""

import pytest

from feature_repo.online.hydration.row_cache import RowCache


class Decoder:
    """Decodes a string to itself and its length, and records its calls."""

    def __init__(self):
        self.calls = []

    def __call__(self, raw):
        self.calls += raw
        words = [None if text in (None, b"damaged") else text.decode() for text in raw]
        return {"size": [word and len(word) for word in words], "word": words}


def row(word):
    return {"size": len(word), "word": word}


@pytest.fixture
def decoder():
    return Decoder()


def test_each_string_is_decoded_once_at_any_position(decoder):
    cache = RowCache()

    first = cache.rows([b"b", b"a", None, b"b"], decoder)
    second = cache.rows([None, b"c", b"a"], decoder)

    a, b, c, none = row("a"), row("b"), row("c"), {"size": None, "word": None}
    assert first == [b, a, none, b]
    assert second == [none, c, a]
    assert decoder.calls == [b"b", b"a", None, b"c"]


def test_damaged_row_is_decoded_at_each_read(decoder):
    cache = RowCache()

    for _ in range(2):
        damaged, valid = cache.rows([b"damaged", b"a"], decoder)
        assert (damaged["word"], valid["word"]) == (None, "a")

    assert decoder.calls == [b"damaged", b"a", b"damaged"]


def test_no_strings_give_no_rows(decoder):
    assert RowCache().rows([], decoder) == []


def test_cache_size_is_limited_in_bytes(decoder):
    cache = RowCache(max_bytes=3)

    for text in (b"a", b"bb", b"cc", b"a"):
        assert cache.rows([text], decoder) == [row(text.decode())]

    assert decoder.calls == [b"a", b"bb", b"cc", b"a"]

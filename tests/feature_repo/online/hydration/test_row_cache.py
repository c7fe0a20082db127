"""What was decoded once is not decoded again, and nothing else is different."""

import pytest

from feature_repo.online.hydration.row_cache import RememberedRows


class Decoder:
    """Decodes a string to itself and its length, and notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, raw):
        self.asked += raw
        words = [None if text in (None, b"damaged") else text.decode() for text in raw]
        return {"size": [word and len(word) for word in words], "word": words}


def row(word):
    return {"size": len(word), "word": word}


@pytest.fixture
def decoder():
    return Decoder()


def test_each_string_is_decoded_once_wherever_it_stands(decoder):
    rows = RememberedRows()

    first = rows.rows([b"b", b"a", None, b"b"], decoder)
    second = rows.rows([None, b"c", b"a"], decoder)

    a, b, c, none = row("a"), row("b"), row("c"), {"size": None, "word": None}
    assert first == [b, a, none, b]
    assert second == [none, c, a]
    assert decoder.asked == [b"b", b"a", None, b"c"]


def test_a_damaged_row_is_told_at_each_read(decoder):
    rows = RememberedRows()

    for _ in range(2):
        damaged, sound = rows.rows([b"damaged", b"a"], decoder)
        assert (damaged["word"], sound["word"]) == (None, "a")

    assert decoder.asked == [b"damaged", b"a", b"damaged"]


def test_no_strings_have_no_rows(decoder):
    assert RememberedRows().rows([], decoder) == []


def test_what_is_kept_has_a_bound(decoder):
    rows = RememberedRows(kept_bytes=3)

    for text in (b"a", b"bb", b"cc", b"a"):
        assert rows.rows([text], decoder) == [row(text.decode())]

    assert decoder.asked == [b"a", b"bb", b"cc", b"a"]

"""What was decoded once is not decoded again, and nothing else is different."""

import pytest

from feature_repo.online.remembered_rows import RememberedRows

NAMES = ("word", "size")


class Decoder:
    """Decodes a string to itself and its length, and notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, raw):
        self.asked += raw
        words = [None if text in (None, b"damaged") else text.decode() for text in raw]
        return {"size": [word and len(word) for word in words], "word": words}


@pytest.fixture
def decoder():
    return Decoder()


def test_each_string_is_decoded_once_wherever_it_stands(decoder):
    rows = RememberedRows(NAMES)

    first = rows.columns([b"b", b"a", None, b"b"], decoder)
    second = rows.columns([None, b"c", b"a"], decoder)

    assert first == {"word": ["b", "a", None, "b"], "size": [1, 1, None, 1]}
    assert second == {"word": [None, "c", "a"], "size": [None, 1, 1]}
    assert decoder.asked == [b"b", b"a", None, b"c"]


def test_a_damaged_row_is_told_at_each_read(decoder):
    rows = RememberedRows(NAMES)

    for _ in range(2):
        assert rows.columns([b"damaged", b"a"], decoder)["word"] == [None, "a"]

    assert decoder.asked == [b"damaged", b"a", b"damaged"]


def test_no_rows_are_empty_columns(decoder):
    assert RememberedRows(NAMES).columns([], decoder) == {"word": [], "size": []}


def test_whoever_changes_a_column_changes_no_other_answer(decoder):
    rows = RememberedRows(NAMES)

    rows.columns([b"a"], decoder)["word"][0] = "changed"

    assert rows.columns([b"a"], decoder)["word"] == ["a"]


def test_what_is_kept_has_a_bound(decoder):
    rows = RememberedRows(NAMES, kept_bytes=3)

    for text in (b"a", b"bb", b"cc", b"a"):
        assert rows.columns([text], decoder)["word"] == [text.decode()]

    assert decoder.asked == [b"a", b"bb", b"cc", b"a"]

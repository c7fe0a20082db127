"""One object, an array, or JSON lines: a body becomes the events in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import parse_canonical, split_body
from feature_repo.home import EventError

values = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.booleans())


@given(st.lists(values, min_size=1))
def test_three_forms_of_a_body_say_the_same(objects):
    texts = [json.dumps(value).encode() for value in objects]

    assert split_body(b"\n".join(texts)) == objects
    assert split_body(b"\r\n\r\n".join(texts) + b"\r\n") == objects
    assert split_body(json.dumps(objects, indent=1).encode()) == objects
    assert split_body(b"\xef\xbb\xbf" + texts[0]) == objects[:1]


def test_a_line_that_is_no_json_is_one_bad_event_among_others():
    good, bad, other = split_body(b'{"a":1}\n{broken\xff\n{"b":2}\n')

    assert (good, other) == ({"a": 1}, {"b": 2})
    with pytest.raises(EventError, match=r"a JSON object, found '\{broken"):
        parse_canonical(bad)


@pytest.mark.parametrize(
    "body", [b"", b"\n \n", b"<html>", b"a\nb", b"\xff", b"[" * 10_000, b"NaN", b'{"a":1e999}']
)
def test_a_body_without_any_json_is_refused_as_a_whole(body):
    with pytest.raises(EventError) as refused:
        split_body(body)

    assert refused.value.field == "body"
    assert "one object a line" in refused.value.expected


def test_an_empty_array_is_no_event():
    assert split_body(b"[]") == []

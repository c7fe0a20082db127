"""A body is one object, an array, or JSON lines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import parse_canonical, split_body
from feature_repo.home import EventError

values = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.booleans())


@given(st.lists(values, min_size=1))
def test_json_lines_array_and_single_object_are_equivalent(objects):
    texts = [json.dumps(value).encode() for value in objects]

    assert split_body(b"\n".join(texts)) == objects
    assert split_body(b"\r\n\r\n".join(texts) + b"\r\n") == objects
    assert split_body(json.dumps(objects, indent=1).encode()) == objects
    assert split_body(b"\xef\xbb\xbf" + texts[0]) == objects[:1]


def test_invalid_json_line_does_not_affect_other_lines():
    good, bad, other = split_body(b'{"a":1}\n{broken\xff\n{"b":2}\n')

    assert (good, other) == ({"a": 1}, {"b": 2})
    with pytest.raises(EventError, match=r"a JSON object, found '\{broken"):
        parse_canonical(bad)


@pytest.mark.parametrize(
    "body", [b"", b"\n \n", b"<html>", b"a\nb", b"\xff", b"[" * 10_000, b"NaN", b'{"a":1e999}']
)
def test_body_without_any_json_is_an_error(body):
    with pytest.raises(EventError) as refused:
        split_body(body)

    assert refused.value.field == "body"
    assert "one object a line" in refused.value.expected


def test_empty_array_has_no_events():
    assert split_body(b"[]") == []

"""A key identifies one project, one view and one entity."""

from fnmatch import fnmatchcase

import pytest
from feast.protos.feast.types.Value_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.online.redis import keys

names = st.text(max_size=6)
identifiers = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.integers(-9, 999)


def proto(value):
    return Value(string_val=value) if isinstance(value, str) else Value(int64_val=value)


@given(names, names, names, names)
def test_no_view_prefix_is_a_prefix_of_another(project, view, other_project, other_view):
    one, other = keys.view_prefix(project, view), keys.view_prefix(other_project, other_view)

    assert one.startswith(other) == ((project, view) == (other_project, other_view))


@given(names, names)
def test_no_project_prefix_is_a_prefix_of_another(project, other):
    one, two = keys.project_prefix(project), keys.project_prefix(other)

    assert one.startswith(two) == (project == other)


@given(st.tuples(identifiers, identifiers), st.tuples(identifiers, identifiers))
def test_two_entities_have_two_keys(one, other):
    suffixes = [keys.entity_suffix({"a": proto(a), "b": proto(b)}) for a, b in (one, other)]

    assert (suffixes[0] == suffixes[1]) == (one == other)


def test_view_without_entities_has_the_key_of_the_dummy_entity():
    assert keys.entity_suffix({}) == keys.entity_suffix({"__dummy_id": Value(string_val="")})


def test_integers_of_32_and_64_bits_have_the_same_key():
    small, large = Value(int32_val=7), Value(int64_val=7)

    assert keys.entity_suffix({"id": small}) == keys.entity_suffix({"id": large})


def test_an_entity_with_a_null_has_no_key():
    assert keys.entity_suffix({"a": Value(string_val="x"), "b": Value()}) is None


def test_the_order_of_join_keys_does_not_matter():
    a, b = Value(string_val="x"), Value(string_val="y")

    assert keys.entity_suffix({"a": a, "b": b}) == keys.entity_suffix({"b": b, "a": a})


def test_a_type_that_cannot_be_a_key_is_refused():
    with pytest.raises(ValueError, match="found double_val"):
        keys.entity_suffix({"a": Value(double_val=0.5)})


@pytest.mark.parametrize("project", ["shop", "s*", "s[ho]p", "a?b"])
def test_pattern_matches_only_keys_with_the_prefix(project):
    pattern = keys.glob(keys.project_prefix(project))
    plain = pattern.replace("\\", "")

    assert plain == keys.project_prefix(project).decode() + "*"
    assert fnmatchcase("r4:shop", keys.glob(keys.project_prefix("shop")))

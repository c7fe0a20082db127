"""The entities of a request become the keys that Feast's own values have."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import ValueType
from feast.type_map import python_values_to_proto_values
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.online.feast.request_keys import listed, request_suffixes
from feature_repo.online.redis import entity_suffix

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
numbers = st.integers(-(2**63), 2**63 - 1)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def expected(values, kind):
    return [
        None
        if value is None
        else entity_suffix({"id": python_values_to_proto_values([value], ValueType[kind])[0]})
        for value in values
    ]


@given(
    st.one_of(
        st.tuples(st.just("STRING"), st.lists(texts | st.none())),
        st.tuples(st.just("INT64"), st.lists(numbers | st.none())),
        st.tuples(st.just("BYTES"), st.lists(st.binary(min_size=1) | st.none())),
        st.tuples(st.just("BOOL"), st.lists(st.booleans() | st.none())),
        st.tuples(st.just("UNIX_TIMESTAMP"), st.lists(instants | st.none())),
    )
)
def test_values_of_the_declared_type_have_the_keys_of_feast_s(drawn):
    kind, values = drawn

    assert request_suffixes("id", values, kind) == expected(values, kind)


@pytest.mark.parametrize(
    ("values", "kind", "plain"),
    [
        (["1", " 1"], "INT64", [1, 1]),
        ([True, np.bool_(True)], "INT64", [1, 1]),
        ([1.0, np.float32(1)], "INT64", [1, 1]),
        ([np.int32(7), np.uint8(7), np.int64(0)], "INT64", [7, 7, 0]),
        ([7, np.int64(7)], "INT32", [7, 7]),
        ([5, np.str_("5"), "5"], "STRING", ["5", "5", "5"]),
        ([np.True_, 1], "BOOL", [True, True]),
        (
            [
                pd.Timestamp(NOON),
                np.datetime64("2026-03-01T12:00", "ns"),
                NOON.replace(tzinfo=None),
            ],
            "UNIX_TIMESTAMP",
            [NOON, NOON, NOON],
        ),
        ([float("nan"), pd.NA, None], "INT64", [None, None, None]),
        ([pd.NaT, np.datetime64("NaT")], "UNIX_TIMESTAMP", [None, None]),
    ],
)
def test_values_of_other_types_become_the_declared_one(values, kind, plain):
    assert request_suffixes("id", values, kind) == expected(plain, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("x", "INT64"), (2**63, "INT64"), (-(2**63) - 1, "INT64"), (2**31, "INT32"), (b"a", "INT64"),
     (["a"], "STRING"), ({}, "STRING"), ("soon", "UNIX_TIMESTAMP"), (1.5, "DOUBLE")],
)  # fmt: skip
def test_what_cannot_become_the_declared_type_is_refused_by_name(value, kind):
    with pytest.raises(ValueError, match="shop_no: expected"):
        request_suffixes("shop_no", [value], kind)


@pytest.mark.parametrize(
    "column",
    [
        [1, 2], (1, 2), range(1, 3), np.array([1, 2], np.int32), np.array([1, 2], object),
        pd.Series([1, 2], index=[9, 8]), pd.Index([1, 2]), pa.array([1, 2]),
        pa.chunked_array([[1], [2]]),
    ],
)  # fmt: skip
def test_every_kind_of_list_is_one(column):
    assert [*listed("id", column)] == [1, 2]


@pytest.mark.parametrize("value", [7, "ab", b"ab", None, np.int32(7), np.str_("a"), NOON])
def test_a_value_is_no_list(value):
    assert listed("id", value) is None


@pytest.mark.parametrize("value", [{1, 2}, {1: 2}, iter([1]), np.zeros((2, 2))])
def test_what_has_no_order_or_more_dimensions_is_refused(value):
    with pytest.raises(ValueError, match="shop_no: expected one value, or a list"):
        listed("shop_no", value)

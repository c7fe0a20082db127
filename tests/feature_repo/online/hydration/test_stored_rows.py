"""Rows that serving decodes without Feast equal the values that Feast returns."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feature_repo.online.stores import (
    ITEM,
    VALUES,
    online,
    read,
    row,
    store_of,
    stored_rows,
    view_of,
    write,
)
from tests.scale import examples

NUMBERS = {"d": Float64, "f": Float32, "n": Int64, "i": Int32}
TYPES = {**NUMBERS, "b": Bool, "s": String, "l": Array(String), "t": UnixTimestamp}
ITEMS = ["a", "b", "c"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

values = st.fixed_dictionaries({name: st.none() | VALUES[type_] for name, type_ in TYPES.items()})


@pytest.fixture(scope="module")
def store(tmp_path_factory, shared_redis):
    store = store_of(tmp_path_factory.mktemp("stored"), shared_redis, database=3)
    store.apply([ITEM, view_of(TYPES, name="facts")])
    return store


@pytest.fixture(scope="module")
def view(store):
    return store.get_feature_view("facts")


@pytest.fixture(scope="module")
def client(store):
    return online(store)._get_client(store.config.online_store)


@pytest.fixture(scope="module")
def rows(view):
    return stored_rows(view)


@settings(max_examples=examples(60), deadline=None)
@given(st.dictionaries(st.sampled_from(ITEMS), values))
def test_columns_equal_the_values_of_feast(store, view, client, rows, stored):
    client.flushdb()
    write(store, view, *(row(item, TYPES, v) for item, v in stored.items()))
    strings = client.mget(rows.keys(ITEMS, "facts"))

    columns = rows.read("facts", strings, [*TYPES], now=0)
    numbers = rows.numbers("facts", strings, [*NUMBERS], now=0)

    expected = read(store, view, ITEMS).to_dict()
    seconds = [
        None if us is None else EPOCH + timedelta(seconds=us // 10**6) for us in columns["t"]
    ]
    assert seconds == expected["t"]
    for name in TYPES.keys() - {"t"}:
        assert columns[name] == expected[name]
    for name, column in zip(NUMBERS, numbers, strict=True):
        present_or_nan = [math.nan if value is None else float(value) for value in expected[name]]
        np.testing.assert_array_equal(column, present_or_nan)

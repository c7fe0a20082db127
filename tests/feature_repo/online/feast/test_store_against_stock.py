"""Our online store stores and returns the same values as stock Feast's, for random schemas."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from feast import ValueType
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.online.feast.protobuf_small import MAX_ROWS
from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    VALUES,
    both,
    online,
    read,
    row,
    vectors,
    view_of,
    write,
)
from tests.scale import examples

ITEMS = ["a", "b", "c", "é\n*"]
EVERY_TYPE = {f"f{n}": dtype for n, dtype in enumerate(VALUES)}

hours = st.integers(0, 9)


@st.composite
def histories(draw):
    """Feature types, and rows of a few items with nulls, in any order of their times."""
    dtypes = draw(st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=6))
    types = {f"f{n}": dtype for n, dtype in enumerate(dtypes)}
    order = st.lists(st.tuples(st.sampled_from(ITEMS), hours), max_size=6, unique=True)
    rows = [
        row(item, types, draw(values_of(types)), NOON + timedelta(hours=hour, microseconds=hour))
        for item, hour in draw(order)
    ]
    return types, rows


def values_of(types):
    return st.fixed_dictionaries({name: st.none() | VALUES[t] for name, t in types.items()})


@pytest.fixture(scope="module")
def stores(tmp_path_factory, shared_redis):
    return both(tmp_path_factory.mktemp("stores"), shared_redis)


@pytest.fixture(scope="module")
def every_type(stores):
    """Name of a registered view with a feature of every type."""
    for store in stores:
        store.apply([ITEM, view_of(EVERY_TYPE, name="every_type")])
    return "every_type"


ARROW = {
    Float64: pa.float64(),
    Float32: pa.float32(),
    Int64: pa.int64(),
    Int32: pa.int32(),
    Bool: pa.bool_(),
    String: pa.string(),
    Bytes: pa.binary(),
    UnixTimestamp: pa.timestamp("us", tz="UTC"),
}
"""Feast types → their types in files; lists of them are lists of these."""


@st.composite
def tables(draw):
    """Feature types and an Arrow table, in several chunks, of a row of each item."""
    dtypes = draw(st.lists(st.sampled_from([*ARROW]), min_size=1, max_size=4))
    dtypes += [Array(dtype) for dtype in dtypes if draw(st.booleans())]
    types = {f"f{n}": dtype for n, dtype in enumerate(dtypes)}
    arrow = {n: ARROW.get(t) or pa.list_(ARROW[t.base_type]) for n, t in types.items()}
    rows = [draw(values_of(types)) for _ in ITEMS]
    stamp = pa.timestamp("us", tz="UTC")
    schema = pa.schema({"item_id": pa.string(), "event_timestamp": stamp, "created": stamp} | arrow)
    times = {"event_timestamp": NOON, "created": NOON}
    parts = [
        pa.Table.from_pylist([{"item_id": item, **times, **values}], schema)
        for item, values in zip(ITEMS, rows, strict=True)
    ]
    return types, rows, pa.concat_tables(parts)


@settings(max_examples=examples(12), deadline=None)
@given(tables())
def test_columns_are_stored_as_stock_stores_their_values(stores, drawn):
    types, rows, table = drawn
    for store in stores:
        store.apply([ITEM, view_of(types)])
        online(store)._get_client(store.config.online_store).flushdb()
    aisle, stock = stores

    online(aisle).write_columns(aisle.config, aisle.get_feature_view("facts"), table)
    values = [row(item, types, of_it) for item, of_it in zip(ITEMS, rows, strict=True)]
    write(stock, stock.get_feature_view("facts"), *values)

    stored, expected = (vectors(read(s, s.get_feature_view("facts"), ITEMS)) for s in stores)
    assert {n: [*v.values] for n, v in stored.items()} == {
        n: [*v.values] for n, v in expected.items()
    }


def test_every_feast_type_is_generated():
    tried = {dtype.to_value_type() for dtype in VALUES}

    assert {*ValueType} - tried == {ValueType.UNKNOWN, ValueType.NULL}


@settings(max_examples=examples(10), deadline=None)
@given(histories())
def test_answers_equal_stock_feast_for_random_schemas(stores, history):
    types, rows = history
    for store in stores:
        store.apply([ITEM, view_of(types)])

    assert_same_answers(stores, "facts", rows)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ITEMS), hours), max_size=6, unique=True), st.data())
def test_answers_equal_stock_feast_for_every_type(stores, every_type, order, data):
    rows = [
        row(item, EVERY_TYPE, data.draw(values_of(EVERY_TYPE)), NOON + timedelta(hours=hour))
        for item, hour in order
    ]

    assert_same_answers(stores, every_type, rows)


def assert_same_answers(stores, view, rows):
    for store in stores:
        online(store)._get_client(store.config.online_store).flushdb()
        write(store, store.get_feature_view(view), *rows)
    for items in ([*ITEMS, "a", "nobody"], [*ITEMS, "a", "nobody"] * (MAX_ROWS + 1)):
        aisle, stock = (read(s, s.get_feature_view(view), items) for s in stores)
        for name, expected in vectors(stock).items():
            assert list(vectors(aisle)[name].values) == list(expected.values), name
        assert aisle.to_dict() == stock.to_dict()
        assert vectors(aisle)["item_id"] == vectors(stock)["item_id"]


def test_arrow_columns_are_stored_as_feast_stores_them(stores, redis_address):
    types = {"x": Float64, "n": Int64, "s": String, "l": Array(String), "v": Array(Float64)}
    table = pa.table(
        {
            "item_id": ["a", "b", None],
            "event_timestamp": pa.array([NOON] * 3, pa.timestamp("ns", tz="UTC")),
            "created": pa.array([NOON] * 3, pa.timestamp("us")),
            "x": [0.1, float("nan"), 1.0],
            "n": pa.array([2**53 + 1, None, 1], pa.int64()),
            "s": ["é", None, ""],
            "l": [["x", None], [], None],
            "v": [[1.0, 2.5], None, []],
        }
    )
    aisle = stores[0]
    aisle.apply([ITEM, view_of(types)])
    view = aisle.get_feature_view("facts")

    sent = online(aisle).write_columns(aisle.config, view, table)

    stored = read(aisle, view, ["a", "b"]).to_dict()
    assert sent > 0
    assert stored["n"] == [2**53 + 1, None]
    assert stored["x"][0] == 0.1
    assert np.isnan(stored["x"][1])
    assert stored["s"] == ["é", None]
    assert stored["l"] == [["x", ""], []]
    assert stored["v"] == [[1.0, 2.5], None]

"""Joins of random schemas and histories give the same rows as stock Feast.

Stock chooses arbitrarily between rows of equal key, event and created time, so the histories have
no such rows.  Both stores filter by created time, or neither does.
"""

import tempfile
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, Field, ValueType
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore
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
    from_value_type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.home import CatalogueError
from feature_repo.offline.feast.store import AisleOfflineStore
from tests.feature_repo.offline.repositories import (
    AISLE,
    UTC,
    instants,
    item,
    repository,
    view_of,
    write,
)
from tests.scale import examples

texts = st.text("aé:1 ", max_size=4)
KINDS = {
    "f64": (Float64, pa.float64(), st.floats(width=64)),
    "f32": (Float32, pa.float32(), st.floats(width=32)),
    "i64": (Int64, pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "i32": (Int32, pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "text": (String, pa.string(), texts),
    "bytes": (Bytes, pa.binary(), st.binary(max_size=3)),
    "flag": (Bool, pa.bool_(), st.booleans()),
    "time": (UnixTimestamp, UTC, st.integers(0, 2**50)),
    "list": (Array(Int64), pa.list_(pa.int64()), st.lists(st.integers(-9, 9), max_size=3)),
    "words": (Array(String), pa.list_(pa.string()), st.lists(texts, max_size=3)),
}
KEYS = {
    "item_id": (ValueType.INT64, pa.int64(), st.sampled_from([-7, 0, 1, 2**53, 2**62])),
    "shop": (ValueType.STRING, pa.string(), st.sampled_from(["a", "b", "a:1", "é"])),
}


@st.composite
def histories(draw):
    """Draw key columns, features, rows, entity rows, the number of files and a ttl."""
    keys = draw(st.sampled_from([("item_id",), ("shop",), ("item_id", "shop")]))
    features = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True))
    key = st.tuples(*(KEYS[name][2] | st.none() for name in keys))
    stamp = st.tuples(key, st.integers(0, 12) | st.none(), st.integers(-3, 15) | st.none())
    stamps = draw(st.lists(stamp, max_size=30, unique=True))
    values = [[draw(KINDS[f][2] | st.none()) for f in features] for _ in stamps]
    queries = draw(st.lists(st.tuples(key, st.integers(0, 16)), min_size=1, max_size=12))
    files = draw(st.integers(1, 3))
    ttl = draw(st.sampled_from([None, 0, 4]))
    return keys, features, stamps, values, queries, files, ttl


def columns_of(keys, features, stamps, values):
    columns = {
        name: pa.array([key[n] for key, *_ in stamps], KEYS[name][1]) for n, name in enumerate(keys)
    }
    columns["event_timestamp"] = instants([event for _, event, _ in stamps])
    columns["created_timestamp"] = instants([created for *_, created in stamps])
    for n, name in enumerate(features):
        columns[name] = pa.array([row[n] for row in values], KINDS[name][1])
    return pa.table(columns)


def rows_by_number(table):
    """Return the rows in order of their number, with NaN as a text to distinguish it from null."""
    rows = table.drop_columns("event_timestamp").sort_by("row").to_pylist()
    return [
        {k: "nan" if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
        for row in rows
    ]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return a function that joins with each store, without registering the view."""
    folder = tmp_path_factory.mktemp("repository")
    empty = repository(folder, [])

    def join(view, frame, refs, *, strict, memory):
        limits = {"memory_limit": memory} if memory else {}
        offline = {"type": AISLE, "filter_by_created_timestamp": strict, **limits}
        aisle = empty.aisle.config.model_copy(update={"offline_config": offline})
        aisle._offline_store = None
        return [
            store.get_historical_features(
                config,
                [view],
                refs,
                frame.copy(),
                empty.aisle.registry,
                "shop",
                filter_by_created_timestamp=strict,
            ).to_arrow()
            for store, config in (
                (AisleOfflineStore, aisle),
                (DuckDBOfflineStore, empty.stock.config),
            )
        ]

    return join


def frame_of(keys, queries):
    columns = {
        key: pd.Series(
            [row[n] for row, _ in queries], dtype="Int64" if key == "item_id" else object
        )
        for n, key in enumerate(keys)
    }
    times = pd.to_datetime([t for _, t in queries], unit="s", utc=True)
    return pd.DataFrame({"row": range(len(queries)), **columns, "event_timestamp": times})


@pytest.mark.parametrize("strict", [True, False], ids=["by created time", "by event time"])
@pytest.mark.parametrize("memory", [None, "2KB"], ids=["sorted once", "streaming"])
@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
@given(history=histories())
def test_random_histories_join_as_in_stock_feast(stores, memory, strict, history):
    keys, features, stamps, values, queries, files, ttl = history
    rows = columns_of(keys, features, stamps, values)
    frame, refs = frame_of(keys, queries), [f"stats:{name}" for name in features]
    with tempfile.TemporaryDirectory() as folder:
        for n in range(files):
            part = rows.take(pa.array(range(n, rows.num_rows, files), pa.int64()))
            pq.write_table(part, f"{folder}/{n}.parquet", row_group_size=4)
        entities = [Entity(name=key, join_keys=[key], value_type=KEYS[key][0]) for key in keys]
        view = view_of(
            f"{folder}/*.parquet",
            entity=entities,
            fields=[
                *(Field(name=key, dtype=from_value_type(KEYS[key][0])) for key in keys),
                *(Field(name=name, dtype=KINDS[name][0]) for name in features),
            ],
            ttl=None if ttl is None else timedelta(seconds=ttl),
        )

        joined, expected = stores(view, frame, refs, strict=strict, memory=memory)

    assert joined["row"].to_pylist() == list(range(len(queries)))
    assert rows_by_number(joined) == rows_by_number(expected.select(joined.column_names))


def a_view(folder, **options):
    """A view where item 1 has 1.0 and item 2 has 2.0, both since second 1."""
    rows = {"item_id": [1, 2], "event_timestamp": instants([1, 1]), "x": [1.0, 2.0]}
    path = write(folder, "stats", rows)
    view = view_of(path, fields=[Field(name="x", dtype=Float64)], created=False)
    return rows, repository(folder, [item, view], **options)


def entity_rows(keys):
    return pa.table({"item_id": keys, "event_timestamp": instants([1] * len(keys))})


@pytest.mark.parametrize("memory", ["8GB", "2KB"])
def test_entity_rows_with_null_keys_match_nothing(tmp_path, memory):
    _, pair = a_view(tmp_path, memory_limit=memory)

    assert pair.joined(entity_rows(pa.nulls(2)), ["stats:x"])["x"].to_pylist() == [None, None]


def test_text_key_of_an_integer_column_is_rejected(tmp_path):
    _, pair = a_view(tmp_path)

    sentence = r"'item_id' is string in the entity rows, but int64 in .*stats\.parquet"
    with pytest.raises(CatalogueError, match=sentence):
        pair.joined(entity_rows(["1"]), ["stats:x"])


@pytest.mark.parametrize(
    ("kind", "keys"), [(pa.int8(), [2, 9]), (pa.uint64(), [2, 2**63]), (pa.float64(), [2.0, 1.5])]
)
def test_keys_of_other_number_types_match_equal_values(tmp_path, kind, keys):
    _, pair = a_view(tmp_path)

    assert pair.joined(entity_rows(pa.array(keys, kind)), ["stats:x"])["x"].to_pylist() == [
        2.0,
        None,
    ]


@pytest.mark.parametrize("memory", ["8GB", "2KB"])
def test_positive_and_negative_zero_are_one_key(tmp_path, memory):
    gauge = Entity(name="gauge", join_keys=["level"], value_type=ValueType.DOUBLE)
    rows = {"level": [-0.0, 1.5], "event_timestamp": instants([1, 1]), "x": [1.0, 2.0]}
    fields = [Field(name="x", dtype=Float64)]
    view = view_of(write(tmp_path, "stats", rows), entity=gauge, fields=fields, created=False)
    pair = repository(tmp_path, [gauge, view], memory_limit=memory)
    frame = pd.DataFrame(
        {"level": [0.0, -0.0, 1.5], "event_timestamp": pd.to_datetime([1] * 3, unit="s", utc=True)}
    )

    aisle, stock = (j(frame, ["stats:x"]) for j in (pair.joined, pair.stock_joined))

    assert aisle["x"].to_pylist() == [1.0, 1.0, 2.0]
    assert sorted(stock["x"].to_pylist()) == [1.0, 1.0, 2.0]

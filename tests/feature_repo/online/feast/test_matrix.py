"""A slate read as a matrix holds what Feast's own answer holds."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import Entity, FeatureService, Field, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import CatalogueError
from feature_repo.online.feast.layout import Layout
from feature_repo.online.feast.matrix import MatrixReader, matrix_read
from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    STOCK,
    VALUES,
    online,
    row,
    store_of,
    view_of,
    write,
)
from tests.scale import examples

USER = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
USER_ID = Field(name="user_id", dtype=Int64)
NUMBERS = {"f": Float32, "d": Float64, "n": Int64, "i": Int32, "b": Bool}
ITEM_TYPES = {**NUMBERS, "s": String}
USER_TYPES = {"u": Float64, "l": Array(String)}
IDS = ["a", "b", "c"]


@pytest.fixture(scope="module")
def store(tmp_path_factory, shared_redis):
    """A store of items and users, and the service `slate` of their features."""
    store = store_of(tmp_path_factory.mktemp("matrix"), shared_redis, database=3)
    items = view_of(ITEM_TYPES, name="items")
    users = view_of(USER_TYPES, name="users", entities=(USER,), keys=(USER_ID,))
    pair = view_of(
        {"p": Int64},
        name="pairs",
        entities=(ITEM, USER),
        keys=(Field(name="item_id", dtype=String), USER_ID),
    )
    service = FeatureService(
        name="slate", features=[users, items[["n", "d", "f", "b", "i", "s"]], pair]
    )
    store.apply([ITEM, USER, items, users, pair, service])
    return store


def user_row(user_id, values):
    key, found, *times = row("", USER_TYPES, values)
    del key.join_keys[:], key.entity_values[:]
    key.join_keys.append("user_id")
    key.entity_values.add(int64_val=user_id)
    return key, found, *times


values = st.fixed_dictionaries({n: st.none() | VALUES[t] for n, t in ITEM_TYPES.items()})


@settings(max_examples=examples(40), deadline=None)
@given(st.dictionaries(st.sampled_from(IDS), values), st.sampled_from([None, 7, 8]))
def test_it_holds_what_feast_answers(store, rows, user):
    online(store)._get_client(store.config.online_store).flushdb()
    write(store, store.get_feature_view("items"), *(row(i, ITEM_TYPES, v) for i, v in rows.items()))
    write(store, store.get_feature_view("users"), user_row(7, {"u": 0.5}))
    service = store.get_feature_service("slate")

    matrix = matrix_read(store, service, {"user_id": user, "item_id": IDS})

    answer = store.get_online_features(
        service, [{"user_id": user, "item_id": i} for i in IDS], full_feature_names=True
    ).to_dict()
    names = Layout.of(service).names
    expected = np.array([[np.nan if v is None else float(v) for v in answer[n]] for n in names]).T
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(matrix.values, expected.astype(np.float32))
    known = np.array([[v is not None for v in answer[n]] for n in names]).T
    np.testing.assert_array_equal(matrix.present, known)


def test_its_columns_are_the_numbers_of_the_service_in_order(store):
    layout = Layout.of(store.get_feature_service("slate"))

    assert layout.names == (
        "users__u", "items__n", "items__d", "items__f", "items__b", "items__i", "pairs__p",
    )  # fmt: skip


def test_it_takes_one_round_trip_for_all_views(store):
    reader = MatrixReader(store, store.get_feature_service("slate"))
    client = online(store)._get_client(store.config.online_store)
    reader.read({"user_id": 7, "item_id": IDS})
    client.config_resetstat()

    reader.read({"user_id": 7, "item_id": IDS})

    calls = {k: v["calls"] for k, v in client.info("commandstats").items() if "config" not in k}
    assert calls == {"cmdstat_mget": 1}


def test_a_pair_is_found_by_both_its_keys(store):
    key, found, *times = row("a", {"p": Int64}, {"p": 9})
    key.join_keys.append("user_id")
    key.entity_values.add(int64_val=7)
    write(store, store.get_feature_view("pairs"), (key, found, *times))

    matrix = matrix_read(
        store, store.get_feature_service("slate"), {"user_id": 7, "item_id": ["a", "b"]}
    )

    np.testing.assert_array_equal(matrix.values[:, -1], [9, np.nan])


def test_a_stored_nan_is_present_and_a_null_is_not(store):
    view = store.get_feature_view("items")
    key, found, *times = row("x", ITEM_TYPES, {})
    write(store, view, (key, {**found, "d": Value(double_val=float("nan"))}, *times))

    matrix = matrix_read(store, store.get_feature_service("slate"), {"item_id": ["x"]})

    assert matrix.present[0].tolist() == [False, False, True, False, False, False, False]
    assert np.isnan(matrix.values).all()


def test_an_empty_slate_has_no_rows(store):
    matrix = matrix_read(store, store.get_feature_service("slate"), {"user_id": 7, "item_id": []})

    assert matrix.values.shape == matrix.present.shape == (0, 7)


def test_a_row_beyond_its_view_s_ttl_is_not_present(store):
    view = view_of({"o": Int64}, name="old", ttl=timedelta(seconds=1))
    store.apply([view, FeatureService(name="old_ones", features=[view])])
    write(
        store,
        store.get_feature_view("old"),
        row("a", {"o": Int64}, {"o": 1}, NOON.replace(year=2001)),
    )

    matrix = matrix_read(store, store.get_feature_service("old_ones"), {"item_id": ["a"]})

    assert not matrix.present.any()


@pytest.fixture(scope="module")
def shop_wide(store):
    """A service of the slate's items and of a view without entities, which holds 20."""
    rate = view_of({"rate": Float64}, name="rate", entities=(), keys=())
    service = FeatureService(
        name="shop_wide", features=[store.get_feature_view("items")[["n"]], rate]
    )
    store.apply([rate, service])
    frame = pd.DataFrame({"event_timestamp": [NOON], "created": [NOON], "rate": [20.0]})
    store.write_to_online_store("rate", frame)
    return service


@pytest.mark.parametrize("slate", [{}, {"item_id": IDS}, {"item_id": []}])
def test_a_view_without_entities_is_in_every_row(store, shop_wide, slate):
    matrix = matrix_read(store, shop_wide, slate)

    asked = [{"item_id": item} for item in slate.get("item_id", ["none"])]
    answer = store.get_online_features(shop_wide, asked).to_dict() if asked else {"rate": []}
    assert matrix.values[:, 1].tolist() == answer["rate"] == [20.0] * len(asked)
    assert matrix.present[:, 1].all()


@pytest.mark.filterwarnings("ignore:On demand feature view:RuntimeWarning")
def test_on_demand_views_are_refused(store):
    @on_demand_feature_view(
        sources=[store.get_feature_view("items")], schema=[Field(name="twice", dtype=Float64)]
    )
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"twice": inputs["d"] * 2})

    service = FeatureService(name="mixed", features=[store.get_feature_view("items"), doubled])
    store.apply([doubled, service])

    for found in (service, store.get_feature_service("mixed")):
        with pytest.raises(CatalogueError, match=r"mixed: .* found doubled, which is computed"):
            Layout.of(found)


@pytest.mark.parametrize(
    "users",
    [7, "7", 7.0, np.int32(7), [7, 7], np.array([7, 7]), pd.Series([7, 7]), pa.array([7, 7])],
)
def test_keys_may_have_every_form_that_feast_takes(store, users):
    write(store, store.get_feature_view("users"), user_row(7, {"u": 0.5}))

    matrix = matrix_read(
        store, store.get_feature_service("slate"), {"user_id": users, "item_id": ["a", "b"]}
    )

    each = users.to_pylist() if isinstance(users, pa.Array) else [*np.broadcast_to(users, 2)]
    rows = [{"user_id": u, "item_id": i} for u, i in zip(each, ["a", "b"], strict=True)]
    answer = store.get_online_features(["users:u"], rows).to_dict()
    assert matrix.values[:, 0].tolist() == answer["u"] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("dtype", "key", "forms"),
    [
        (Bool, True, [True, np.array([True]), pa.array([True])]),
        (UnixTimestamp, NOON, [NOON, pd.Timestamp(NOON), np.array(["2026-03-01T12"], "M8[us]")]),
    ],
)
def test_bools_and_times_are_keys(store, dtype, key, forms):
    kind = dtype.to_value_type()
    name = f"by_{kind.name.lower()}"
    entity = Entity(name=name, join_keys=[f"{name}_key"], value_type=kind)
    keys = (Field(name=f"{name}_key", dtype=dtype),)
    view = view_of({"v": Float64}, name=name, entities=(entity,), keys=keys)
    service = FeatureService(name=name, features=[view])
    store.apply([entity, view, service])
    frame = pd.DataFrame(
        {f"{name}_key": [key], "event_timestamp": [NOON], "created": [NOON], "v": [3.0]}
    )
    store.write_to_online_store(name, frame, allow_registry_cache=False)

    for form in forms:
        assert matrix_read(store, service, {f"{name}_key": form}).values.tolist() == [[3.0]]


def test_a_key_that_no_view_has_is_refused_with_those_there_are(store):
    with pytest.raises(ValueError, match="join keys item_id, user_id; found user"):
        matrix_read(store, store.get_feature_service("slate"), {"user": 7, "item_id": IDS})


def test_lists_of_different_lengths_are_refused(store):
    with pytest.raises(ValueError, match="lists of one length"):
        matrix_read(
            store, store.get_feature_service("slate"), {"user_id": [1], "item_id": ["a", "b"]}
        )


def test_bookkeeping_is_no_column(store):
    view = view_of({"a": Int64})
    view.schema[-1].tags = {"role": "bookkeeping"}
    view.features[0].tags = {"role": "bookkeeping"}

    with pytest.raises(CatalogueError, match="features that are numbers"):
        Layout.of(FeatureService(name="none", features=[view]))


def test_another_store_is_refused(tmp_path, shared_redis):
    stock = store_of(tmp_path, shared_redis, STOCK)

    with pytest.raises(CatalogueError, match="expected AisleOnlineStore, found RedisOnlineStore"):
        MatrixReader(stock, FeatureService(name="any", features=[]))

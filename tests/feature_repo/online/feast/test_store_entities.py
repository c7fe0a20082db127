"""Entities of every form are read by their keys, through Feast's own calls."""

import pandas as pd
import pytest
from feast import Entity, FeatureService, Field, ValueType
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Bool, Float64, Int64, UnixTimestamp

from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    read,
    row,
    store_of,
    vectors,
    view_of,
    write,
)

TYPES = {"n": Int64, "d": Float64}


@pytest.fixture(scope="module")
def store(tmp_path_factory, shared_redis):
    store = store_of(tmp_path_factory.mktemp("entities"), shared_redis, database=3)
    store.apply([ITEM, view_of(TYPES)])
    return store


def test_stored_nan_is_present_and_null_is_not(store):
    view = store.get_feature_view("facts")
    key, columns, *times = row("x", TYPES, {})
    write(store, view, (key, {**columns, "d": Value(double_val=float("nan"))}, *times))

    vector_of = vectors(read(store, view, ["x"]))

    assert [*vector_of["d"].statuses] == [FieldStatus.PRESENT]
    assert [*vector_of["n"].statuses] == [FieldStatus.NULL_VALUE]


@pytest.fixture(scope="module")
def shop_wide(store):
    """A service of items and of a view without entities, whose row is 20."""
    rate = view_of({"rate": Float64}, name="rate", entities=(), keys=())
    service = FeatureService(
        name="shop_wide", features=[store.get_feature_view("facts")[["n"]], rate]
    )
    store.apply([rate, service])
    frame = pd.DataFrame({"event_timestamp": [NOON], "created": [NOON], "rate": [20.0]})
    store.write_to_online_store("rate", frame)
    return service


@pytest.mark.parametrize("items", [["none"], ["a", "b", "c"]])
def test_view_without_entities_is_in_every_row(store, shop_wide, items):
    answer = store.get_online_features(shop_wide, [{"item_id": item} for item in items])

    assert answer.to_dict()["rate"] == [20.0] * len(items)


@pytest.mark.parametrize(("dtype", "key"), [(Bool, True), (UnixTimestamp, NOON)])
def test_bool_or_time_is_a_key(tmp_path, shared_redis, dtype, key):
    kind = dtype.to_value_type()
    name = f"by_{kind.name.lower()}"
    # Feast caches the entities of a project by the address of its registry in memory, which a later
    # registry of the project may have again.
    store = store_of(tmp_path, shared_redis, project=name, database=3)
    entity = Entity(name=name, join_keys=[f"{name}_key"], value_type=kind)
    keys = (Field(name=f"{name}_key", dtype=dtype),)
    view = view_of({"v": Float64}, name=name, entities=(entity,), keys=keys)
    store.apply([entity, view])
    frame = pd.DataFrame(
        {f"{name}_key": [key], "event_timestamp": [NOON], "created": [NOON], "v": [3.0]}
    )
    store.write_to_online_store(name, frame, allow_registry_cache=False)

    answer = store.get_online_features([f"{name}:v"], [{f"{name}_key": key}])

    assert answer.to_dict()["v"] == [3.0]


def test_a_float_is_refused_as_a_key_as_in_stock_feast(store):
    entity = Entity(name="weight", join_keys=["kg"], value_type=ValueType.DOUBLE)
    keys = (Field(name="kg", dtype=Float64),)
    store.apply([entity, view_of({"v": Int64}, name="by_weight", entities=(entity,), keys=keys)])
    rows = pd.DataFrame({"kg": [0.5], "event_timestamp": [NOON], "created": [NOON], "v": [1]})

    with pytest.raises(ValueError, match="expected text, bytes, an integer or a time as entity"):
        store.write_to_online_store("by_weight", rows, allow_registry_cache=False)
    with pytest.raises(ValueError, match="found double_val"):
        store.get_online_features(["by_weight:v"], [{"kg": 0.5}])

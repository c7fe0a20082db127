"""Defects of stock Feast's Redis store that Aisle's store does not have."""

from datetime import timedelta

import pandas as pd
import pytest
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64, Int64, String
from google.protobuf.message import DecodeError
from redis.exceptions import ResponseError

from tests.feature_repo.online.stores import (
    ITEM,
    NOON,
    SECOND,
    both,
    item_key,
    online,
    read,
    row,
    vectors,
    view_of,
    write,
)

FACTS = {"n": Int64, "s": String}


@pytest.fixture
def stores(tmp_path, redis_address):
    """Ours and the stock one, each with the view `facts`."""
    stores = both(tmp_path, redis_address)
    for store in stores:
        store.apply([ITEM, view_of(FACTS)])
    return stores


def facts(store):
    return store.get_feature_view("facts")


def client(store):
    return online(store)._get_client(store.config.online_store)


def row_keys(store):
    return sorted(key for key in client(store).scan_iter())


def status(store, items=("a",)):
    return [*vectors(read(store, facts(store), items))["n"].statuses]


def number(store, items=("a",)):
    return read(store, facts(store), items).to_dict()["n"]


def test_unknown_entity_is_missing(stores):
    aisle, stock = stores

    assert status(stock) == [FieldStatus.PRESENT]
    assert status(aisle) == [FieldStatus.NOT_FOUND]


def test_null_has_its_own_status(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), row("a", FACTS, {"s": "x"}))

    assert status(stock) == [FieldStatus.PRESENT]
    assert status(aisle) == [FieldStatus.NULL_VALUE]


def test_row_older_than_the_ttl_of_its_view_is_not_served(stores):
    aisle, stock = stores
    for store in stores:
        store.apply([view_of(FACTS, ttl=timedelta(seconds=1))])
        write(store, facts(store), row("a", FACTS, {"n": 1}, NOON - timedelta(days=9999)))

    assert (number(stock), status(stock)) == ([1], [FieldStatus.PRESENT])
    assert (number(aisle), status(aisle)) == ([None], [FieldStatus.OUTSIDE_MAX_AGE])


def test_key_of_another_redis_type_affects_its_entity_only(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), *(row(item, FACTS, {"n": 1}) for item in "ab"))
        key = next(k for k in row_keys(store) if b"a" in k.removesuffix(b"shop")[-3:])
        client(store).delete(key)
        client(store).lpush(key, "not a row")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        number(stock, ["a", "b"])
    assert number(aisle, ["a", "b"]) == [None, 1]


def test_damaged_bytes_affect_their_entity_only(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), *(row(item, FACTS, {"n": 1, "s": "x"}) for item in "ab"))
    (hash_key, *_) = row_keys(stock)
    for field in client(stock).hkeys(hash_key):
        client(stock).hset(hash_key, field, b"\xff\xff\xff")
    (row_key, *_) = row_keys(aisle)
    client(aisle).setrange(row_key, client(aisle).strlen(row_key) - 1, b"\xff")

    with pytest.raises(DecodeError):
        number(stock, ["a", "b"])
    assert number(aisle, ["a", "b"]) == [None, 1]
    assert status(aisle, ["a", "b"]) == [FieldStatus.NOT_FOUND, FieldStatus.PRESENT]


def test_a_value_of_another_type_never_reaches_a_caller(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), row("a", FACTS, {"n": 1, "s": "x"}))
        store.apply([view_of({"n": String, "s": String})])

    assert vectors(read(stock, facts(stock), ["a"]))["n"].values[0].WhichOneof("val") == "int64_val"
    assert status(aisle) == [FieldStatus.NOT_FOUND]


def test_correction_with_the_same_event_time_is_stored(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), row("a", FACTS, {"n": 1}, NOON, NOON))
        write(store, facts(store), row("a", FACTS, {"n": 2}, NOON, NOON + SECOND))

    assert number(stock) == [1]
    assert number(aisle) == [2]


def test_a_row_dated_in_the_future_does_not_block_its_entity(stores):
    aisle, stock = stores
    for store in stores:
        write(store, facts(store), row("a", FACTS, {"n": 1}, NOON.replace(year=2999)))
        write(store, facts(store), row("a", FACTS, {"n": 2}, NOON.replace(year=2020)))

    assert number(stock) == [1]
    assert number(aisle) == [2]


def test_event_times_keep_their_microseconds(stores):
    exact = [NOON.replace(year=2900) + timedelta(microseconds=n) for n in range(1, 1000, 7)]
    items = [f"i{n}" for n in range(len(exact))]
    result = []
    for store in stores:
        write(
            store,
            facts(store),
            *(
                row(*of, {"n": 1}, at)
                for *of, at in zip(items, [FACTS] * len(items), exact, strict=True)
            ),
        )
        rows = online(store).online_read(store.config, facts(store), [*map(item_key, items)])
        result.append([at for at, _ in rows])

    assert result[1] != exact
    assert result[0] == exact


def test_teardown_spares_a_project_with_the_same_suffix(tmp_path, redis_address):
    left = []
    for n, kind in enumerate(("ours", "stock")):
        shop, my_shop = (
            both(tmp_path, redis_address, project=project)[n] for project in ("shop", "myshop")
        )
        for store in (shop, my_shop):
            store.apply([ITEM, view_of(FACTS)])
            write(store, facts(store), row("a", FACTS, {"n": 1}))
        online(shop).teardown(shop.config, shop.list_feature_views(), [])
        left.append((kind, number(my_shop)))

    assert left == [("ours", [1]), ("stock", [None])]


def test_integer_in_a_column_with_nulls_keeps_all_digits(stores):
    import pyarrow as pa
    from feast.utils import _convert_arrow_to_proto

    aisle, stock = stores
    stamps = pa.array([NOON] * 2, pa.timestamp("us", tz="UTC"))
    table = pa.table(
        {
            "item_id": ["a", "b"],
            "n": pa.array([2**53 + 1, None], pa.int64()),
            "s": ["x", "y"],
            "event_timestamp": stamps,
            "created": stamps,
        }
    )
    keys = {column.name: column.dtype.to_value_type() for column in facts(stock).entity_columns}
    write(stock, facts(stock), *_convert_arrow_to_proto(table, facts(stock), keys))
    online(aisle).write_columns(aisle.config, facts(aisle), table)

    assert number(stock, ["a", "b"])[0] != 2**53 + 1
    assert number(aisle, ["a", "b"]) == [2**53 + 1, None]


def test_every_chunk_of_an_arrow_table_is_stored(stores):
    import pyarrow as pa
    from feast.utils import _convert_arrow_to_proto

    aisle, stock = stores
    chunks = [
        pa.table(
            {
                "item_id": [item],
                "n": [1],
                "s": [item],
                "event_timestamp": pa.array([NOON], pa.timestamp("us", tz="UTC")),
                "created": pa.array([NOON], pa.timestamp("us", tz="UTC")),
            }
        )
        for item in "ab"
    ]
    table = pa.concat_tables(chunks)
    keys = {column.name: column.dtype.to_value_type() for column in facts(stock).entity_columns}
    write(stock, facts(stock), *_convert_arrow_to_proto(table, facts(stock), keys))
    online(aisle).write_columns(aisle.config, facts(aisle), table)

    assert number(stock, ["a", "b"]) == [1, None]
    assert number(aisle, ["a", "b"]) == [1, 1]


def test_null_entity_does_not_fail_the_request(stores):
    aisle, stock = stores
    rows = [{"item_id": "a"}, {"item_id": None}]

    with pytest.raises(TypeError):
        stock.get_online_features(["facts:n"], rows)
    assert aisle.get_online_features(["facts:n"], rows).to_dict()["n"] == [None, None]


def test_nan_is_not_null(stores):
    result = []
    for store in stores:
        store.apply([view_of({"x": Float64}, name="floats")])
        view = store.get_feature_view("floats")
        (key, _, *times), null = (row(item, {"x": Float64}, {}) for item in "ab")
        write(store, view, (key, {"x": Value(double_val=float("nan"))}, *times), null)
        result.append(vectors(read(store, view, ["a", "b"]))["x"])

    aisle, stock = result
    assert list(stock.statuses) == [FieldStatus.PRESENT] * 2
    assert list(aisle.statuses) == [FieldStatus.PRESENT, FieldStatus.NULL_VALUE]
    assert aisle.values[0].double_val != aisle.values[0].double_val


def test_row_of_a_view_without_entities_can_be_read(stores):
    frame = pd.DataFrame({"event_timestamp": [NOON], "created": [NOON], "rate": [20.0]})

    result = []
    for store in stores:
        store.apply([view_of({"rate": Float64}, name="rate", entities=(), keys=())])
        store.write_to_online_store("rate", frame)
        answer = store.get_online_features(["rate:rate"], [{"item_id": "a"}])
        result.append(answer.to_dict()["rate"])

    aisle, stock = result
    assert stock == [None]
    assert aisle == [20.0]

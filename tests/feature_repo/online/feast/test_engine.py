"""Columnar loads equal stock Feast's loads, and report failures."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import (
    BatchFeatureView,
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)
from feast.types import Array, Float32, Int64, String

from feature_repo.home import CatalogueError, RedisError
from feature_repo.online.redis import RedisAddress, redis_client
from tests.redis_addresses import connection_string
from tests.scale import seconds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, LAST = NOON - timedelta(days=9), NOON + timedelta(days=1)
ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
SHOP = Entity(name="shop", join_keys=["shop_no"], value_type=ValueType.INT64)
AISLE = {
    "online_store": {
        "type": "feature_repo.online.feast.store.AisleOnlineStore",
        "deadline_seconds": seconds(10),
    },
    "offline_store": {"type": "feature_repo.offline.feast.store.AisleOfflineStore"},
    "batch_engine": {"type": "feature_repo.online.feast.engine.AisleEngine"},
}
STOCK = {"online_store": {"type": "redis"}, "offline_store": {"type": "duckdb"}}
ITEMS, SHOPS = [f"i{n}" for n in range(30)], [1, 2]


def open_store(folder, address, options, database):
    online = {
        **options["online_store"],
        "connection_string": connection_string(address, database),
    }
    return FeatureStore(
        config=RepoConfig(
            project="engine",
            provider="local",
            entity_key_serialization_version=3,
            registry={"registry_type": "sql", "path": f"sqlite:///{folder}/{database}.db"},
            **{**options, "online_store": online},
        )
    )


def rows(seed, size=200):
    """Some rows of each item in each shop, in no order, with nulls, ties of event time apart."""
    chance = np.random.default_rng(seed)
    stamps = NOON - pd.to_timedelta(chance.permutation(size) * 37, unit="min")
    blank = chance.random(size) < 0.2
    return pa.table(
        {
            "item_id": chance.choice(ITEMS, size),
            "shop_no": chance.choice(SHOPS, size),
            "event_timestamp": pa.array(stamps, pa.timestamp("us", tz="UTC")),
            "created": pa.array([NOON] * size, pa.timestamp("us", tz="UTC")),
            "cost": pa.array(chance.random(size, np.float32), mask=blank),
            "sold": pa.array(chance.integers(0, 2**60, size)),
            "words": [[f"w{n}", "é"][: n % 3] for n in range(size)],
        }
    )


def view_of(folder, name, entities, **options):
    source = FileSource(
        path=str(folder / f"{name}.parquet"),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
        field_mapping={"cost": "price"},
    )
    return FeatureView(
        name=name,
        entities=entities,
        schema=[
            Field(name="price", dtype=Float32),
            Field(name="sold", dtype=Int64),
            Field(name="words", dtype=Array(String)),
        ],
        source=source,
        **options,
    )


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("by_item", "by_both")):
        pq.write_table(rows(seed), tmp_path / f"{name}.parquet")
    return tmp_path


def views(folder):
    by_item = view_of(folder, "by_item", [ITEM], ttl=timedelta(days=999))
    return [by_item, view_of(folder, "by_both", [ITEM, SHOP])]


@pytest.fixture
def store(folder, redis_address):
    store = open_store(folder, redis_address, AISLE, 1)
    store.apply([ITEM, SHOP, *views(folder)])
    return store


def answers(store):
    refs = [f"{v}:{f}" for v in ("by_item", "by_both") for f in ("price", "sold", "words")]
    requested = [{"item_id": item, "shop_no": shop} for item in (*ITEMS, "none") for shop in SHOPS]
    return store.get_online_features(refs, requested, full_feature_names=True).to_dict()


def intervals(store):
    return [len(view.materialization_intervals) for view in store.list_feature_views()]


def test_load_equals_stock_feast(store, folder, redis_address):
    stock = open_store(folder, redis_address, STOCK, 2)
    stock.apply([ITEM, SHOP, *views(folder)])
    start, end = NOON - timedelta(days=3), NOON - timedelta(days=1)

    for one in (store, stock):
        one.materialize(start, end)

    result, expected = answers(store), answers(stock)
    assert result == expected
    assert any(price is not None for price in result["by_both__price"])
    assert intervals(store) == intervals(stock) == [1, 1]


def test_later_load_starts_at_the_end_of_the_last(store):
    store.materialize(FIRST, NOON - timedelta(days=2))
    store.materialize_incremental(LAST)
    result = answers(store)

    store.materialize(FIRST, LAST)

    assert answers(store) == result
    assert intervals(store) == [3, 3]


def test_repeated_and_concurrent_loads_change_nothing(store, folder, redis_address):
    store.materialize(FIRST, LAST)
    once = answers(store)
    others = [open_store(folder, redis_address, AISLE, 1) for _ in range(3)]
    loads = [threading.Thread(target=other.materialize, args=(FIRST, LAST)) for other in others]

    for load in loads:
        load.start()
    for load in loads:
        load.join()

    assert answers(store) == once


def test_one_line_per_view_reports_the_load(store, capsys):
    store.materialize(FIRST, LAST)

    lines, result = capsys.readouterr().out.splitlines(), answers(store)
    for view, shops in (("by_item", len(SHOPS)), ("by_both", 1)):
        registered = sum(sold is not None for sold in result[f"{view}__sold"]) // shops
        (line,) = [line for line in lines if line.startswith(f"{view}: ")]
        assert line.startswith(f"{view}: {registered} rows, ")
        assert line.endswith("rows/s")


def test_load_without_registered_views_is_refused(folder, redis_address):
    empty = open_store(folder, redis_address, AISLE, 3)

    with pytest.raises(CatalogueError, match="has no feature views"):
        empty.materialize(FIRST, LAST)
    with pytest.raises(CatalogueError, match="feast apply"):
        empty.materialize_incremental(LAST)


def test_unreachable_server_is_one_error_and_records_no_interval(folder, store):
    dead = open_store(folder, RedisAddress.local(9), AISLE, 1)

    with pytest.raises(RedisError, match="does not answer"):
        dead.materialize(FIRST, LAST)

    assert intervals(store) == [0, 0]


def test_full_server_is_one_error_and_records_no_interval(store, redis_address):
    with redis_client(redis_address, timeout=seconds(5)) as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(RedisError, match="out of memory"):
                store.materialize(FIRST, LAST)
        finally:
            client.config_set("maxmemory", 0)

    assert intervals(store) == [0, 0]
    store.materialize(FIRST, LAST)
    assert intervals(store) == [1, 1]


def test_failing_view_does_not_stop_the_others(store, folder):
    table = pq.read_table(folder / "by_both.parquet")
    pq.write_table(table.drop_columns(["sold"]), folder / "by_both.parquet")

    with pytest.raises(CatalogueError, match="sold"):
        store.materialize(FIRST, LAST)

    done = {view.name: len(view.materialization_intervals) for view in store.list_feature_views()}
    assert done == {"by_item": 1, "by_both": 0}
    assert any(price is not None for price in answers(store)["by_item__price"])


def test_column_of_another_type_is_refused_as_in_a_join(store, folder):
    table = pq.read_table(folder / "by_item.parquet")
    texts = pa.array(["1"] * table.num_rows)
    column_index = table.column_names.index("cost")
    pq.write_table(table.set_column(column_index, "cost", texts), folder / "by_item.parquet")
    requested = pd.DataFrame({"item_id": ["i1"], "event_timestamp": [NOON]})
    sentence = r"'price' is declared Float32, but column 'cost' of .*by_item\.parquet holds string"

    with pytest.raises(CatalogueError, match=sentence):
        store.get_historical_features(requested, ["by_item:price"])
    with pytest.raises(CatalogueError, match=sentence):
        store.materialize(FIRST, LAST)
    assert answers(store)["by_item__price"] == [None] * len(answers(store)["by_item__price"])


def test_null_inside_a_list_is_refused_by_name(store, folder):
    table = pq.read_table(folder / "by_item.parquet")
    lists = pa.array([[1, None]] * table.num_rows)
    table = table.append_column("places", lists)
    pq.write_table(table, folder / "listed.parquet")
    source = FileSource(path=str(folder / "listed.parquet"), timestamp_field="event_timestamp")
    fields = [Field(name="places", dtype=Array(Int64))]
    store.apply([FeatureView(name="listed", entities=[ITEM], schema=fields, source=source)])

    with pytest.raises(CatalogueError, match="places: expected INT64_LIST, found a null inside a"):
        store.materialize(FIRST, LAST)


@pytest.mark.filterwarnings("ignore:Batch feature views are experimental:RuntimeWarning")
def test_view_with_a_transformation_uses_feasts_engine(store, folder):
    named = BatchFeatureView(
        name="named",
        entities=[ITEM],
        mode="pandas",
        online=True,
        schema=[Field(name="letters", dtype=Int64)],
        source=FileSource(path=str(folder / "by_item.parquet"), timestamp_field="event_timestamp"),
        udf=lambda frame: frame.assign(letters=frame["item_id"].str.len()),
        udf_string="len(item_id)",
    )
    store.apply([named])

    store.materialize(FIRST, LAST)

    answer = store.get_online_features(["named:letters"], [{"item_id": item} for item in ITEMS])
    assert answer.to_dict()["letters"] == [len(item) for item in ITEMS]

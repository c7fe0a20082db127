"""Load the same feature views into stock Feast's Redis store and Aisle's, on one server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import redis
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.repo_config import RepoConfig
from feast.types import Float32, Float64, Int64, String
from feast.utils import _convert_arrow_to_proto

from feature_repo.home import DAY, Home, Settings
from feature_repo.online.redis import RedisAddress, running_redis
from tests.redis_addresses import connection_string

AISLE = "feature_repo.online.feast.store.AisleOnlineStore"
STOCK = "redis"
SINCE = 20_000 * DAY
TYPES = (Float32, Float64, Int64)
SPREAD = {"user_taste": ("user", 10), "item_counts": ("item", 15), "item_facts": ("item", 15)}
"""View → its entity and number of features; 40 features in total."""


@dataclass(frozen=True)
class Shop:
    """One store with the views of `SPREAD`.

    Attributes:
        store: the Feast store.
        client: connection to its database in Redis.
        service: feature service of all 40 features.
    """

    store: FeatureStore
    client: redis.Redis
    service: FeatureService


@contextmanager
def both(folder: Path, rows: int) -> Iterator[tuple[Shop, Shop]]:
    """Yield stock's store and Aisle's, each with `rows` items and users, on one private server."""
    with running_redis(Settings(home=Home(folder / "home"))) as address:
        tables = {name: table(name, rows) for name in SPREAD}
        shops = [_shop(folder, address, kind, n) for n, kind in enumerate((STOCK, AISLE))]
        for shop in shops:
            _load(shop, tables)
        yield shops[0], shops[1]


def table(view: str, rows: int) -> pa.Table:
    """Return the rows of a view: floats, doubles and small counts in turn."""
    entity, width = SPREAD[view]
    chance = np.random.default_rng(width)
    columns = {
        Float32: chance.random((width, rows), np.float32),
        Float64: chance.random((width, rows)),
        Int64: chance.geometric(0.02, (width, rows)),
    }
    return pa.table(
        {
            f"{entity}_id": [f"{entity}-{n}" for n in range(rows)],
            "event_timestamp": pa.array([SINCE] * rows, pa.timestamp("us", tz="UTC")),
            **{
                field.name: pa.array(columns[field.dtype][n])
                for n, field in enumerate(fields(view))
            },
        }
    )


def fields(view: str) -> list[Field]:
    """Return the features of a view."""
    return [Field(name=f"{view}_{n:02}", dtype=TYPES[n % 3]) for n in range(SPREAD[view][1])]


def _shop(folder: Path, address: RedisAddress, kind: str, database: int) -> Shop:
    timeouts = "socket_timeout=10,socket_connect_timeout=10,retry=null"
    online = {
        "type": kind,
        "connection_string": f"{connection_string(address, database)},{timeouts}",
    }
    config = RepoConfig(
        project="bench",
        provider="local",
        entity_key_serialization_version=3,
        registry={"registry_type": "sql", "path": f"sqlite:///{folder}/{database}.db"},
        online_store=online | ({"deadline_seconds": 10.0} if kind == AISLE else {}),
        offline_store={"type": "duckdb"},
    )
    store = FeatureStore(config=config)
    views = [_view(folder, name) for name in SPREAD]
    service = FeatureService(name="all_features", features=views)
    store.apply([*_entities(), *views, service])
    client = redis.Redis.from_url(address.url, db=database)
    return Shop(store, client, store.get_feature_service(service.name))


def _entities() -> list[Entity]:
    return [
        Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.STRING)
        for name in ("user", "item")
    ]


def _view(folder: Path, name: str) -> FeatureView:
    entity = next(e for e in _entities() if e.name == SPREAD[name][0])
    source = FileSource(path=str(folder / f"{name}.parquet"), timestamp_field="event_timestamp")
    key = Field(name=entity.join_key, dtype=String)
    return FeatureView(name=name, entities=[entity], schema=[key, *fields(name)], source=source)


def _load(shop: Shop, tables: dict[str, pa.Table]) -> None:
    online, config = shop.store._get_provider().online_store, shop.store.config
    for name, rows in tables.items():
        view = shop.store.get_feature_view(name)
        if config.online_store.type == AISLE:
            online.write_columns(config, view, rows)
            continue
        for batch in rows.to_batches(max_chunksize=10_000):
            keys = {column.name: column.dtype.to_value_type() for column in view.entity_columns}
            online.online_write_batch(
                config, view, _convert_arrow_to_proto(batch, view, keys), None
            )


def refs(shop: Shop, entity: str) -> Sequence[str]:
    """Return the references of all features of an entity's views."""
    return [
        f"{view}:{f.name}" for view, (of, _) in SPREAD.items() if of == entity for f in fields(view)
    ]

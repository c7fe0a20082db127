"""Pairs of Feast repositories that differ only in their offline store."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, FileSource, RepoConfig, ValueType

AISLE = "feature_repo.offline.feast.store.AisleOfflineStore"
STOCK = "duckdb"
SECOND = 1_000_000
UTC = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Pair:
    """The same definitions with Aisle's offline store and with stock Feast's."""

    aisle: FeatureStore
    stock: FeatureStore
    folder: Path

    def joined(self, entities, refs, **options):
        """Join with Aisle's store."""
        return self.aisle.get_historical_features(entities, refs, **options).to_arrow()

    def stock_joined(self, entities, refs, **options):
        """Join with stock Feast's store, filtered by created time as Aisle's is by default."""
        options = {"filter_by_created_timestamp": True, **options}
        return self.stock.get_historical_features(entities.copy(), refs, **options).to_arrow()


def repository(folder, objects, **options):
    """Apply the objects once and open the repository with each store."""
    stores = {}
    for name, offline in (("aisle", {"type": AISLE, **options}), ("stock", {"type": STOCK})):
        config = RepoConfig(
            project="shop",
            provider="local",
            registry={"path": str(folder / "registry.db"), "cache_ttl_seconds": 3600},
            offline_store=offline,
            online_store=None,
            entity_key_serialization_version=3,
            repo_path=folder,
        )
        stores[name] = FeatureStore(config=config)
    stores["aisle"].apply(objects)
    stores["stock"].refresh_registry()
    return Pair(**stores, folder=folder)


def instants(seconds):
    """Convert seconds to timestamps in UTC; None stays null."""
    scaled = [None if s is None else int(s * SECOND) for s in seconds]
    return pa.array(scaled, pa.int64()).cast(UTC)


def write(folder, name, columns, **options):
    """Write a Parquet file into the folder and return its path."""
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def view_of(path, name="stats", entity=None, fields=(), ttl=None, created=True, **source):
    """Return a view of a file with `event_timestamp` and, if `created`, `created_timestamp`."""
    return FeatureView(
        name=name,
        entities=entity if isinstance(entity, list) else [entity or item],
        ttl=ttl,
        schema=list(fields),
        source=FileSource(
            name=f"{name}_source",
            path=path,
            timestamp_field="event_timestamp",
            **({"created_timestamp_column": "created_timestamp"} if created else {}),
            **source,
        ),
    )


item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)

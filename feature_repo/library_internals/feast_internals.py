"""Private names of Feast.

`AisleOnlineStore` also overrides `_read_features_per_fv` and its asynchronous form, and
`AisleEngine` overrides `_materialize_one`; Feast offers no public hook for either.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feast import Entity, FeatureStore, FeatureView


def online_store(store: "FeatureStore") -> Any:
    """Return the online store of a feature store."""
    return store._get_provider().online_store


def batch_engine(store: "FeatureStore") -> Any:
    """Return the materialization engine of a feature store."""
    return store._get_provider().batch_engine


def redis_client(config: Any) -> Any:
    """Return a new client as Feast's Redis store makes it: one server, Sentinel or cluster.

    Args:
        config: of the online store.
    """
    return _clients()._get_client(config)


async def async_redis_client(config: Any) -> Any:
    """Like `redis_client`, for the running event loop."""
    return await _clients()._get_client_async(config)


def _clients() -> Any:
    """Return a Redis store of Feast that also reads addresses of IPv6, such as `[::1]:6379`."""
    from feast.infra.online_stores.redis import RedisOnlineStore

    class Clients(RedisOnlineStore):  # type: ignore[misc]
        @staticmethod
        def _parse_connection_string(connection_string: str) -> Any:
            _, options = RedisOnlineStore._parse_connection_string(connection_string)
            servers = [word for word in connection_string.split(",") if "=" not in word]
            parts = [server.rpartition(":") for server in servers]
            return [{"host": host.strip("[]"), "port": port} for host, _, port in parts], options

    return Clients()


def forget_versions(config: Any) -> None:
    """Delete the history of a project's views from a SQL registry.

    `feast teardown` leaves it behind, and then Feast cannot register the same views again.

    Args:
        config: of the feature store.
    """
    from feast import FeatureStore
    from feast.infra.registry.sql import SqlRegistry
    from feast.infra.registry.sql import feature_view_version_history as history

    registry = FeatureStore(config=config).registry
    if isinstance(registry, SqlRegistry):
        with registry.write_engine.begin() as connection:
            connection.execute(history.delete().where(history.c.project_id == config.project))


def source_columns(
    view: "FeatureView", entities: "Sequence[Entity]"
) -> tuple[list[str], list[str], str, str | None]:
    """Return a view's source columns: join keys, features, event time and created time."""
    from feast.utils import _get_column_names

    keys, features, event_time, created_time = _get_column_names(view, entities)
    return keys, features, event_time, created_time


def entity_values(
    view: "FeatureView", join_key_of: Mapping[str, str], values: Mapping[str, Sequence[Any]]
) -> dict[str, Sequence[Any]]:
    """Return the values of a view's join keys in a request.

    Args:
        view: with its projection, which may rename join keys.
        join_key_of: entity name → join key.
        values: of the request, by join key.
    """
    from feast import utils

    columns: dict[str, Sequence[Any]] = utils._get_table_entity_values(view, join_key_of, values)
    return columns


def tracks_online_features() -> bool:
    """Return whether Feast's metrics count online features by status."""
    from feast import metrics

    return bool(metrics._config.online_features)

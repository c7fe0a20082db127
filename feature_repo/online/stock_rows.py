"""The stored rows of a feature view, read through Feast's online store."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import redis

from feature_repo.errors import RedisError

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

Row = dict[str, Any]

_logger = logging.getLogger(__name__)


class StockRows:
    """Reads rows of many entities, one round trip a view."""

    def __init__(self, store: "FeatureStore") -> None:
        from feast.infra.online_stores.helpers import get_online_store_from_config

        self._config = store.config
        self._store = get_online_store_from_config(store.config.online_store)

    def read(
        self, view: "FeatureView", ids: Sequence[str], features: Sequence[str]
    ) -> list[Row | None]:
        """Rows of N entities, None where there is none; a damaged one counts as none.

        Args:
            view: with one entity, keyed by text.
            ids: N keys.
            features: must hold `part`, which every row has.

        Raises:
            RedisError: the server does not answer.
        """
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        try:
            return self._read(view, ids, features)
        except (DecodeError, redis.ResponseError) as error:
            if isinstance(error, redis.ConnectionError):
                raise RedisError(f"Redis does not answer: {error}.") from error
            if len(ids) > 1:
                return [row for key in ids for row in self.read(view, [key], features)]
            _logger.error("the %s row of %r cannot be read: %s", view.name, ids[0], error)
            return [None]
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error

    def _read(
        self, view: "FeatureView", ids: Sequence[str], features: Sequence[str]
    ) -> list[Row | None]:
        from feast.protos.feast.types.EntityKey_pb2 import EntityKey
        from feast.protos.feast.types.Value_pb2 import Value

        if not ids:
            return []
        (join_key,) = (column.name for column in view.entity_columns)
        keys = [
            EntityKey(join_keys=[join_key], entity_values=[Value(string_val=key)]) for key in ids
        ]
        found = self._store.online_read(self._config, view, keys, list(features))
        return [_row(values) for _, values in found]


def _row(values: dict[str, Any] | None) -> Row | None:
    if values is None or values["part"].WhichOneof("val") is None:
        return None
    return {name: _python(value) for name, value in values.items()}


def _python(value: Any) -> Any:
    """The Python value of a Feast value; lists stay lists."""
    kind = value.WhichOneof("val")
    if kind is None or kind == "null_val":
        return None
    found = getattr(value, kind)
    return list(found.val) if kind.endswith("_list_val") else found

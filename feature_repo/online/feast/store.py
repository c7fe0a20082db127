"""Feast's online store of packed rows: the row of one view and entity is one string in Redis.

    online_store:
        type: feature_repo.online.feast.store.AisleOnlineStore
        connection_string: 127.0.0.1:6379

A read of all views takes one round trip.  A write replaces a stored row only if it is
as new or newer.  The status of a value is present, null, not found or outside its view's ttl.
"""

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from feast.infra.online_stores.helpers import compute_versioned_name
from feast.infra.online_stores.redis import (
    RedisClient,
    RedisOnlineStore,
    RedisOnlineStoreConfig,
    RedisType,
)
from pydantic import model_validator

from feature_repo.home import MINUTE, CatalogueError, Clock, Home, Settings
from feature_repo.library_internals import forget_versions
from feature_repo.online.codec import ViewCodec, codec_of, counter_of
from feature_repo.online.feast import row_writer
from feature_repo.online.feast.connections import Connections
from feature_repo.online.feast.read_plan import ReadPlan, Suffixes, ViewRead
from feature_repo.online.feast.row_store import Connect, ConnectAsync, Rows, RowStore
from feature_repo.online.redis import Breaker, LiveKeys, keys

if TYPE_CHECKING:
    import pyarrow as pa
    from feast import Entity, FeatureView, RepoConfig

CLOCK_SKEW = 5 * MINUTE
"""How far ahead of the clock a row's times may be before they count as mistakes."""

KEY_TTL_TAG = "key_ttl_seconds"
"""Tag of a view: seconds after which its rows expire; it overrides the store's option."""

Progress = Callable[[int], Any]
FeastValues = tuple[datetime | None, dict[str, Any] | None]

_ROWS_PER_PACK = 16_384
_MAX_CODECS = 1000


class AisleOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]
    """Options in addition to Feast's Redis store.  `key_ttl_seconds` applies per view here."""

    type: Literal["feature_repo.online.feast.store.AisleOnlineStore"] = (
        "feature_repo.online.feast.store.AisleOnlineStore"
    )
    deadline_seconds: float = 0.25
    """Deadline of a read."""

    write_deadline_seconds: float = 10.0
    """Deadline of a write, which may have thousands of rows."""

    breaker_failures: int = 3
    """Consecutive failures after which calls fail without waiting."""

    breaker_rest_seconds: float = 1.0
    """Pause until a call is tried again."""

    clock_home: str | None = None
    """Folder of the home whose clock determines a row's age; None for the system's clock."""

    @model_validator(mode="after")
    def _check_clients(self) -> "AisleOnlineStoreConfig":
        """Refuse options that would change what a client reads."""
        if self.client == RedisClient.glide:
            raise ValueError("client: glide is not supported; expected redis, the default.")
        options = [word.partition("=")[0] for word in self.connection_string.split(",")]
        if "decode_responses" in options:
            raise ValueError("connection_string: leave out decode_responses; rows are bytes.")
        return self


class AisleOnlineStore(RedisOnlineStore):  # type: ignore[misc]
    """Packed rows in Redis for every online call of Feast.  Threads may share it."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._codecs: dict[tuple[Any, ...], tuple[Callable[[], Any], ViewCodec]] = {}
        self._row_store: RowStore | None = None
        self._clock: Clock | None = None

    def online_write_batch(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        data: Sequence[row_writer.FeastRow],
        progress: Progress | None,
    ) -> None:
        """Store rows given as Feast's values; naive times are UTC.

        Raises:
            CatalogueError: the view is counted from events.
            RedisError: the server rejects the rows, or does not answer in time.
            ValueError: a value has another type than its feature.
        """
        rows = row_writer.from_values(self._writing_codec(config, table), table.name, data)
        self._rows_of(config).store(self._writer(config), rows, **self._limits(config, table))
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        data: Sequence[row_writer.FeastRow],
        progress: Progress | None,
    ) -> None:
        """Like `online_write_batch`, asynchronous."""
        rows = row_writer.from_values(self._writing_codec(config, table), table.name, data)
        online = config.online_store
        connect = partial(self._connections.get_async, online, online.write_deadline_seconds)
        await self._rows_of(config).store_async(connect, rows, **self._limits(config, table))
        if progress:
            progress(len(data))

    def write_columns(
        self,
        config: "RepoConfig",
        view: "FeatureView",
        table: "pa.Table",
        *,
        timestamp_field: str | None = None,
        created_column: str | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Store the rows of an Arrow table, column by column.

        Args:
            config: of the feature store.
            view: of the rows.
            table: its join keys and features by name, and its times; a row whose entity or event
                time is null is skipped.
            timestamp_field: of the table; None for the field of the view's source.
            created_column: of the table; None for the column of the view's source, if it has one.
            progress: receives the number of rows of each pack.

        Returns:
            Bytes sent: keys and rows.

        Raises:
            CatalogueError: a column is absent or of a wrong type, or the view is counted from
                events.
            RedisError: the server rejects rows, or does not answer in time; some may be stored.
        """
        source = view.batch_source
        stamp = timestamp_field or source.timestamp_field
        created = created_column or source.created_timestamp_column or None
        codec, sent = self._writing_codec(config, view), 0
        with self._storing(config, view) as store:
            for part in row_writer.packs(table, _ROWS_PER_PACK):
                rows = row_writer.from_table(codec, view, part, stamp, created)
                store(rows)
                sent += rows.size
                if progress:
                    progress(part.num_rows)
        return sent

    def online_read(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        entity_keys: Sequence[Any],
        requested_features: Sequence[str] | None = None,
    ) -> list[FeastValues]:
        """Return rows of N entities as Feast's values; None for missing rows or outside the ttl.

        Raises:
            RedisError: the server does not answer in time.
        """
        plan = self._entity_plan(config, table, entity_keys, requested_features)
        values = self._rows_of(config).get(self._reader(config), plan.keys)
        return plan.reads[0].rows(dict(zip(plan.keys, values, strict=True)), self.now(config))

    async def online_read_async(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        entity_keys: Sequence[Any],
        requested_features: Sequence[str] | None = None,
    ) -> list[FeastValues]:
        """Like `online_read`, asynchronous."""
        plan = self._entity_plan(config, table, entity_keys, requested_features)
        values = await self._rows_of(config).get_async(self._reader_async(config), plan.keys)
        return plan.reads[0].rows(dict(zip(plan.keys, values, strict=True)), self.now(config))

    def _read_features_per_fv(
        self,
        config: "RepoConfig",
        grouped_refs: Any,
        join_key_values: Any,
        entity_name_to_join_key_map: Any,
        online_features_response: Any,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Answer `get_online_features` with one round trip for all views."""
        plan = self._plan(config, grouped_refs, join_key_values, entity_name_to_join_key_map)
        values = self._rows_of(config).get(self._reader(config), plan.keys)
        plan.add_to(
            online_features_response,
            values,
            self.now(config),
            full_names=full_feature_names,
            with_versions=include_feature_view_version_metadata,
        )

    async def _read_features_per_fv_async(
        self,
        config: "RepoConfig",
        grouped_refs: Any,
        join_key_values: Any,
        entity_name_to_join_key_map: Any,
        online_features_response: Any,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Like `_read_features_per_fv`, asynchronous."""
        plan = self._plan(config, grouped_refs, join_key_values, entity_name_to_join_key_map)
        values = await self._rows_of(config).get_async(self._reader_async(config), plan.keys)
        plan.add_to(
            online_features_response,
            values,
            self.now(config),
            full_names=full_feature_names,
            with_versions=include_feature_view_version_metadata,
        )

    def delete_table(self, config: "RepoConfig", table: "FeatureView") -> None:
        """Delete the rows of one view, of this project only."""
        self._rows_of(config).delete(self._writer(config), self.codec(config, table).prefix)

    def teardown(
        self,
        config: "RepoConfig",
        tables: "Sequence[FeatureView]",
        entities: "Sequence[Entity]",  # noqa: ARG002
    ) -> None:
        """Delete all of this project, and what Feast's registry would leave behind.

        A home's marks and live state go too: the next refresh loads everything again, and a running
        service reads nothing until then.
        """
        self.clear(config, tables)
        if config.online_store.clock_home is not None:
            for prefix in (f"{config.project}:loaded", LiveKeys.of_project(config.project).prefix):
                self._rows_of(config).delete(self._writer(config), prefix.encode())
        forget_versions(config)
        self._connections.close()

    def clear(self, config: "RepoConfig", tables: "Sequence[FeatureView]") -> None:
        """Delete the rows of views, and every other row of this project."""
        prefixes = {self.codec(config, table).prefix for table in tables}
        for prefix in {keys.project_prefix(config.project), *prefixes}:
            self._rows_of(config).delete(self._writer(config), prefix)

    async def close(self) -> None:
        """Close the clients of the running event loop, and the synchronous ones."""
        await self._connections.close_async()
        self._connections.close()

    def codec(self, config: "RepoConfig", view: "FeatureView") -> ViewCodec:
        """Return the codec of a view's strings."""
        name = compute_versioned_name(view, config.registry.enable_online_feature_view_versioning)
        identity = (id(view), config.project, name, len(view.features))
        cached = self._codecs.get(identity)
        if cached is None or cached[0]() is not view:
            if len(self._codecs) >= _MAX_CODECS:
                self._codecs.clear()
            cached = weakref.ref(view), codec_of(config.project, view, name)
            self._codecs[identity] = cached
        return cached[1]

    def now(self, config: "RepoConfig") -> int:
        """Return the current instant, µs: of the configured home, else of the system."""
        if config.online_store.clock_home is None:
            return time.time_ns() // 1000
        if self._clock is None:
            home = Home(Path(config.online_store.clock_home))
            self._clock = Clock.of(Settings(home, clock=Settings.from_environment().clock))
        return self._clock.now()

    def _writing_codec(self, config: "RepoConfig", view: "FeatureView") -> ViewCodec:
        if counter_of(view) is not None:
            raise CatalogueError(
                f"{view.name} is counted from events, so no rows can be written to it; ingest the "
                "events, or load it by AisleEngine (`batch_engine:` in feature_store.yaml)."
            )
        return self.codec(config, view)

    def _plan(
        self, config: "RepoConfig", grouped_refs: Any, values: Any, join_key_of: Any
    ) -> ReadPlan:
        suffixes = Suffixes(values, join_key_of)
        codecs = [(view, self.codec(config, view), features) for view, features in grouped_refs]
        return ReadPlan([ViewRead(v, c, names, c.keys(suffixes.of(v))) for v, c, names in codecs])

    def _entity_plan(
        self,
        config: "RepoConfig",
        view: "FeatureView",
        entity_keys: Sequence[Any],
        features: Sequence[str] | None,
    ) -> ReadPlan:
        codec = self.codec(config, view)
        suffixes = [keys.entity_suffix(row_writer.by_join_key(key)) for key in entity_keys]
        names = features or [field.name for field in view.features]
        return ReadPlan([ViewRead(view, codec, names, codec.keys(suffixes))])

    @contextmanager
    def _storing(
        self, config: "RepoConfig", view: "FeatureView"
    ) -> Iterator[Callable[[Rows], None]]:
        """Yield a function that stores rows in a thread while the next ones are packed."""
        row_store, connect = self._rows_of(config), self._writer(config)
        limits = self._limits(config, view)
        pending: list[Future[int]] = []

        def store(rows: Rows) -> None:
            while pending:
                pending.pop().result()
            pending.append(thread.submit(row_store.store, connect, rows, **limits))

        with ThreadPoolExecutor(max_workers=1) as thread:
            yield store
            for future in pending:
                future.result()

    def _limits(self, config: "RepoConfig", view: "FeatureView") -> dict[str, int]:
        """Return the script's limits: when rows expire, and which times are mistakes."""
        expiry = view.tags.get(KEY_TTL_TAG) or config.online_store.key_ttl_seconds or 0
        return {"expiry": int(expiry), "horizon": self.now(config) + CLOCK_SKEW}

    def _rows_of(self, config: "RepoConfig") -> RowStore:
        if self._row_store is None:
            online = config.online_store
            breaker = Breaker(online.breaker_failures, online.breaker_rest_seconds)
            is_one = online.redis_type == RedisType.redis
            self._row_store = RowStore(breaker, None if is_one else online.deadline_seconds)
        return self._row_store

    def _reader(self, config: "RepoConfig") -> Connect:
        online = config.online_store
        return partial(self._connections.get, online, online.deadline_seconds)

    def _reader_async(self, config: "RepoConfig") -> ConnectAsync:
        online = config.online_store
        return partial(self._connections.get_async, online, online.deadline_seconds)

    def _writer(self, config: "RepoConfig") -> Connect:
        online = config.online_store
        return partial(self._connections.get, online, online.write_deadline_seconds)

"""Feast's online store of packed rows: a view's row of one entity is one string in Redis.

    online_store:
        type: feature_repo.online.feast.store.AisleOnlineStore
        connection_string: 127.0.0.1:6379

All views of a read take one round trip.  A row is replaced only by one as new or newer.  A value is
present, null, not found or outside its view's ttl, and the answer's status says which.
"""

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from feast.infra.online_stores.helpers import compute_versioned_name
from feast.infra.online_stores.redis import (
    RedisOnlineStore,
    RedisOnlineStoreConfig,
    RedisType,
)

from feature_repo.home import MINUTE, CatalogueError, Clock, Home, Settings
from feature_repo.online.codec import ViewCodec, codec_of, counter_of
from feature_repo.online.feast import row_writer
from feature_repo.online.feast.connections import Connections
from feature_repo.online.feast.read_plan import ReadPlan, Suffixes, ViewRead
from feature_repo.online.feast.row_store import Connect, ConnectAsync, Rows, RowServer
from feature_repo.online.redis import Breaker, keys

if TYPE_CHECKING:
    import pyarrow as pa
    from feast import Entity, FeatureView, RepoConfig

CLOCK_SKEW = 5 * MINUTE
"""How far ahead of the clock a row's times may be before they count as mistakes."""

KEY_TTL_TAG = "key_ttl_seconds"
"""Tag of a view whose rows vanish after so many seconds, whatever the store says of others."""

Progress = Callable[[int], Any]
FoundRow = tuple[datetime | None, dict[str, Any] | None]

_ROWS_PER_PACK = 16_384
_CODECS_KEPT = 1000


class AisleOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]
    """Options beyond those of Feast's Redis store.  `key_ttl_seconds` counts per view here."""

    type: Literal["feature_repo.online.feast.store.AisleOnlineStore"] = (
        "feature_repo.online.feast.store.AisleOnlineStore"
    )
    deadline_seconds: float = 0.25
    """How long a read may wait for Redis."""

    write_deadline_seconds: float = 10.0
    """How long a write may wait for Redis; it may hold thousands of rows."""

    breaker_failures: int = 3
    """Failures in a row after which Redis is not asked for a while."""

    breaker_rest_seconds: float = 1.0
    """How long it then is not asked."""

    clock_home: str | None = None
    """Folder of the home whose clock tells a row's age; else the system's clock does."""


class AisleOnlineStore(RedisOnlineStore):  # type: ignore[misc]
    """Packed rows in Redis, behind every online call of Feast.  Threads may share it."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._codecs: dict[tuple[Any, ...], tuple[Callable[[], Any], ViewCodec]] = {}
        self._server: RowServer | None = None
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
            RedisError: the server refuses, or does not answer in time.
            ValueError: a value has another type than its feature.
        """
        rows = row_writer.from_values(self._writing_codec(config, table), table.name, data)
        self._server_of(config).store(self._writer(config), rows, **self._limits(config, table))
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        data: Sequence[row_writer.FeastRow],
        progress: Progress | None,
    ) -> None:
        """As `online_write_batch`."""
        rows = row_writer.from_values(self._writing_codec(config, table), table.name, data)
        online = config.online_store
        connect = partial(self._connections.get_async, online, online.write_deadline_seconds)
        await self._server_of(config).store_async(connect, rows, **self._limits(config, table))
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
        """Store the rows of an Arrow table, a column at a time.

        Args:
            config: of the feature store.
            view: whose rows.
            table: its join keys and features by name, and its times; a row whose entity or event
                time is null is left out.
            timestamp_field: of the table; None for that of the view's source.
            created_column: of the table; None for that of the view's source, where it has one.
            progress: told the number of rows after each pack of them.

        Returns:
            Bytes sent: keys and rows.

        Raises:
            CatalogueError: a column is absent or of a wrong type, or the view is counted from
                events.
            RedisError: the server refuses, or does not answer in time; some rows may be stored.
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
    ) -> list[FoundRow]:
        """Rows of N entities as Feast's values; none for those not found or outside the ttl.

        Raises:
            RedisError: the server does not answer in time.
        """
        plan = self._entity_plan(config, table, entity_keys, requested_features)
        found = self._server_of(config).get(self._reader(config), plan.keys)
        return plan.reads[0].rows(dict(zip(plan.keys, found, strict=True)), self.now(config))

    async def online_read_async(
        self,
        config: "RepoConfig",
        table: "FeatureView",
        entity_keys: Sequence[Any],
        requested_features: Sequence[str] | None = None,
    ) -> list[FoundRow]:
        """As `online_read`."""
        plan = self._entity_plan(config, table, entity_keys, requested_features)
        found = await self._server_of(config).get_async(self._reader_async(config), plan.keys)
        return plan.reads[0].rows(dict(zip(plan.keys, found, strict=True)), self.now(config))

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
        found = self._server_of(config).get(self._reader(config), plan.keys)
        plan.answer(
            found,
            self.now(config),
            online_features_response,
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
        """As `_read_features_per_fv`."""
        plan = self._plan(config, grouped_refs, join_key_values, entity_name_to_join_key_map)
        found = await self._server_of(config).get_async(self._reader_async(config), plan.keys)
        plan.answer(
            found,
            self.now(config),
            online_features_response,
            full_names=full_feature_names,
            with_versions=include_feature_view_version_metadata,
        )

    def delete_table(self, config: "RepoConfig", table: "FeatureView") -> None:
        """Delete the rows of one view, of this project only."""
        self._server_of(config).delete(self._writer(config), self.codec(config, table).prefix)

    def teardown(
        self,
        config: "RepoConfig",
        tables: "Sequence[FeatureView]",
        entities: "Sequence[Entity]",  # noqa: ARG002
    ) -> None:
        """Delete the rows of views, and every other row of this project."""
        prefixes = {self.codec(config, table).prefix for table in tables}
        for prefix in {keys.project_prefix(config.project), *prefixes}:
            self._server_of(config).delete(self._writer(config), prefix)
        self._connections.close()

    async def close(self) -> None:
        """Close the connections of the running event loop, and those of no loop."""
        await self._connections.close_async()
        self._connections.close()

    def get(self, config: "RepoConfig", names: Sequence[bytes | None]) -> list[bytes | None]:
        """What lies under N keys, in one round trip; None for None, and where there is nothing.

        Raises:
            RedisError: the server does not answer in time.
        """
        known = [name for name in names if name is not None] if None in names else names
        found = self._server_of(config).get(self._reader(config), cast("Sequence[bytes]", known))
        if known is names:
            return found
        each = iter(found)
        return [None if name is None else next(each) for name in names]

    def codec(self, config: "RepoConfig", view: "FeatureView") -> ViewCodec:
        """How a view's strings are named and read."""
        name = compute_versioned_name(view, config.registry.enable_online_feature_view_versioning)
        place = (id(view), config.project, name, len(view.features))
        known = self._codecs.get(place)
        if known is None or known[0]() is not view:
            if len(self._codecs) >= _CODECS_KEPT:
                self._codecs.clear()
            known = weakref.ref(view), codec_of(config.project, view, name)
            self._codecs[place] = known
        return known[1]

    def now(self, config: "RepoConfig") -> int:
        """The present instant, µs: of the configured home, else of the system."""
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
        """Gives a function that stores rows while the next ones are packed; the end waits."""
        server, connect = self._server_of(config), self._writer(config)
        limits = self._limits(config, view)
        under_way: list[Future[int]] = []

        def store(rows: Rows) -> None:
            while under_way:
                under_way.pop().result()
            under_way.append(thread.submit(server.store, connect, rows, **limits))

        with ThreadPoolExecutor(max_workers=1) as thread:
            yield store
            for last in under_way:
                last.result()

    def _limits(self, config: "RepoConfig", view: "FeatureView") -> dict[str, int]:
        """What the script that stores rows must know: when they expire, and what is a mistake."""
        expiry = view.tags.get(KEY_TTL_TAG) or config.online_store.key_ttl_seconds or 0
        return {"expiry": int(expiry), "horizon": self.now(config) + CLOCK_SKEW}

    def _server_of(self, config: "RepoConfig") -> RowServer:
        if self._server is None:
            online = config.online_store
            breaker = Breaker(online.breaker_failures, online.breaker_rest_seconds)
            is_one = online.redis_type == RedisType.redis
            self._server = RowServer(breaker, None if is_one else online.deadline_seconds)
        return self._server

    def _reader(self, config: "RepoConfig") -> Connect:
        online = config.online_store
        return partial(self._connections.get, online, online.deadline_seconds)

    def _reader_async(self, config: "RepoConfig") -> ConnectAsync:
        online = config.online_store
        return partial(self._connections.get_async, online, online.deadline_seconds)

    def _writer(self, config: "RepoConfig") -> Connect:
        online = config.online_store
        return partial(self._connections.get, online, online.write_deadline_seconds)

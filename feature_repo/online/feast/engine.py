"""Feast's materialization, column by column.

    batch_engine:
        type: feature_repo.online.feast.engine.AisleEngine

A view's newest rows go from the offline store to the online store as Arrow tables; a counter view's
sums become sealed tiles.  Views are loaded concurrently, each in parts, so memory does not grow
with their number of rows.  Loading twice has the same outcome: a killed load is repeated, and Feast
records an interval only when its view is complete.  Views with transformations or aggregations, and
other online stores, use Feast's own engine.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import pyarrow as pa
import redis
from feast import FeatureStore, FeatureView
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine, LocalComputeEngineConfig
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from tqdm import tqdm  # type: ignore[import-untyped]

from feature_repo.home import CatalogueError, RedisError, from_datetime
from feature_repo.library_internals import source_columns
from feature_repo.offline.parquet import check_declared_types
from feature_repo.online.codec import Written, counter_of, load_tiles
from feature_repo.online.feast.connections import Connections
from feature_repo.online.feast.row_store import RowStore
from feature_repo.online.feast.store import AisleOnlineStore
from feature_repo.online.redis import NO_CLUSTER, LiveKeys
from feature_repo.views import CounterView, tiles_of

if TYPE_CHECKING:
    from feast.infra.registry.base_registry import BaseRegistry

_MEGABYTE = 1e6


class AisleEngineConfig(LocalComputeEngineConfig):  # type: ignore[misc]
    """Options of `batch_engine:` in feature_store.yaml."""

    type: Literal["feature_repo.online.feast.engine.AisleEngine"] = (
        "feature_repo.online.feast.engine.AisleEngine"
    )


class AisleEngine(LocalComputeEngine):  # type: ignore[misc]
    """Loads views into the online store; `announce` receives one line for each."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.announce: Callable[[str], None] = click.echo
        self._connections = Connections()

    @property
    def supports_batch(self) -> bool:
        """True: all views in one call.  Feast reads this once per load, before it lists the views.

        Raises:
            CatalogueError: there are no views; Feast would report success.
        """
        registry = FeatureStore(config=self.repo_config).registry
        if not registry.list_all_feature_views(self.repo_config.project):
            raise CatalogueError(
                f"Project {self.repo_config.project!r} has no feature views, so there is nothing "
                "to load; run `feast apply`, then load again."
            )
        return True

    def materialize(
        self,
        registry: "BaseRegistry",
        tasks: MaterializationTask | list[MaterializationTask],
        **options: Any,
    ) -> list[Any]:
        """Load views concurrently; return one job a task; errors are in the jobs."""
        tasks = [tasks] if isinstance(tasks, MaterializationTask) else tasks
        with (
            _small_pages(),
            ThreadPoolExecutor(os.cpu_count() or 1) as threads,
            tqdm(total=0, unit=" rows", unit_scale=True, disable=None, leave=False) as bar,
        ):
            running = [
                threads.submit(self._materialize_one, registry, task, bar=bar, **options)
                for task in tasks
            ]
            return [job.result() for job in running]

    def _materialize_one(
        self, registry: "BaseRegistry", task: MaterializationTask, **options: Any
    ) -> Any:
        bar = options.pop("bar")
        if not self._is_columnar(task.feature_view):
            return super()._materialize_one(registry, task, **options)
        name = f"{task.feature_view.name}-{task.start_time}-{task.end_time}"
        began = time.perf_counter()
        try:
            written = self._load(registry, task, bar.update)
        except Exception as error:
            return LocalMaterializationJob(name, MaterializationJobStatus.ERROR, error)
        self.announce(_line(task.feature_view.name, written, time.perf_counter() - began))
        return LocalMaterializationJob(name, MaterializationJobStatus.SUCCEEDED)

    def _is_columnar(self, view: Any) -> bool:
        """Return whether a view's online values are just the newest rows of its source."""
        extras = ("feature_transformation", "aggregations", "enable_validation", "source_views")
        return (
            isinstance(self.online_store, AisleOnlineStore)
            and isinstance(view, FeatureView)
            and view.batch_source is not None
            and not view.offline
            and not any(getattr(view, name, None) for name in extras)
        )

    def _load(
        self, registry: "BaseRegistry", task: MaterializationTask, progress: Callable[[int], Any]
    ) -> Written:
        view, counter = task.feature_view, counter_of(task.feature_view)
        if counter is not None:
            return self._seal(task, counter, progress)
        written = Written()
        for table in self._newest(registry, task):
            sent = self.online_store.write_columns(self.repo_config, view, table, progress=progress)
            written += Written(table.num_rows, sent)
        return written

    def _seal(
        self, task: MaterializationTask, counter: CounterView, progress: Callable[[int], Any]
    ) -> Written:
        online = self.repo_config.online_store
        client = self._connections.get(online, online.write_deadline_seconds)
        if isinstance(client, redis.RedisCluster):
            raise RedisError(NO_CLUSTER)
        keys, sums = (
            LiveKeys.of_project(task.project),
            tiles_of(Path(task.feature_view.batch_source.path)),
        )
        with RowStore().watched():
            return load_tiles(client, keys, counter, sums, from_datetime(task.start_time), progress)

    def _newest(self, registry: "BaseRegistry", task: MaterializationTask) -> Iterator[pa.Table]:
        """Read the newest row of each entity in the task's interval, in parts, by feature names.

        Raises:
            CatalogueError: a column cannot be read as its feature's type.
        """
        view, source = task.feature_view, task.feature_view.batch_source
        entities = [registry.get_entity(name, task.project) for name in view.entities]
        keys, features, stamp, created = source_columns(view, entities)
        job = self.offline_store.pull_latest_from_table_or_query(
            config=self.repo_config,
            data_source=source,
            join_key_columns=keys,
            feature_name_columns=features,
            timestamp_field=stamp,
            created_timestamp_column=created,
            start_date=task.start_time,
            end_date=task.end_time,
        )
        physical = {mapped: column for column, mapped in source.field_mapping.items()}
        declared = {physical.get(field.name, field.name): field for field in view.features}
        for table in _parts(job):
            check_declared_types(table.schema.field, getattr(source, "path", source.name), declared)
            names = [source.field_mapping.get(name, name) for name in table.column_names]
            yield table.rename_columns(names)


@contextmanager
def _small_pages() -> Iterator[None]:
    """Let Arrow allocate from the system.

    Its own allocator takes huge pages, and a process that loads a view and ends spends a quarter
    of its CPU time on zeroing them.
    """
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def _parts(job: Any) -> Iterator[pa.Table]:
    if hasattr(job, "to_batches"):
        yield from (pa.table(batch) for batch in job.to_batches())
    else:
        yield job.to_arrow()


def _line(view: str, written: Written, seconds: float) -> str:
    return (
        f"{view}: {written.rows:,} rows, {written.bytes / _MEGABYTE:,.1f} MB, {seconds:.1f} s, "
        f"{written.rows / max(seconds, 1e-9):,.0f} rows/s"
    )

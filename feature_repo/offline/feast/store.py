"""Aisle's offline store for Feast: point-in-time joins by sorted keys, under the Feast API.

It is a subclass of the DuckDB store.  It reads Parquet sources itself and leaves other formats
(Delta, Iceberg, Lance, MLflow) to that store.  Two differences are intended: a join never uses a
value before its created time unless the configuration allows it, and relative paths start from the
feature repository, not the working directory.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
from feast import FeatureView, OnDemandFeatureView, RepoConfig
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from pydantic import StrictBool, StrictInt, StrictStr

from feature_repo.home import CatalogueError, to_datetime
from feature_repo.offline.feast.entity_rows import EntityRows, check_join_keys, entity_table
from feature_repo.offline.feast.retrieval_job import AisleRetrievalJob
from feature_repo.offline.feast.singletons import by_row
from feature_repo.offline.join import FeatureJoin, Limits, Lookup, RowNumbers
from feature_repo.offline.parquet import (
    NULL_TIME,
    ParquetRows,
    ParquetTarget,
    check_declared_types,
    list_files,
    micros,
)

_MICROSECOND = timedelta(microseconds=1)


class AisleOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]
    """Options of `offline_store:` in feature_store.yaml."""

    type: StrictStr = "feature_repo.offline.feast.store.AisleOfflineStore"

    filter_by_created_timestamp: StrictBool = True
    """Use a value only from its created time on, in every join; false: as the call requests."""

    memory_limit: StrictStr | None = None
    """Such as 4GB; larger joins work in slices or spill to disk.  None: half of the memory."""

    threads: StrictInt | None = None
    """Number of threads.  None: every processor."""


class AisleOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]
    """Point-in-time joins of Parquet sources."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: EntityRows,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **unused: Any,  # noqa: ARG004
    ) -> RetrievalJob:
        """Join entity rows with the features of each view as of their instants.

        Args:
            config: of the repository.
            feature_views: with their projections.
            feature_refs: `view:feature`.
            entity_df: a data frame, an Arrow table, or SQL of DuckDB.
            registry: has the on-demand views.
            project: of the registry.
            full_feature_names: name columns `view__feature`.
            filter_by_created_timestamp: applied even if false, unless the configuration disables
                it.
            unused: bounds of a retrieval without entity rows, which this store does not support.

        Raises:
            CatalogueError: a file lacks a column, keys cannot be compared, names collide, or
                there are no entity rows.
        """
        limits = _limits(config)
        entities, time_column = entity_table(entity_df, config.repo_path)
        strict = filter_by_created_timestamp or _strict(config)
        if not all(_is_parquet(view.batch_source) for view in feature_views):
            return DuckDBOfflineStore.get_historical_features(
                config,
                feature_views,
                feature_refs,
                entities.to_pandas(),
                registry,
                project,
                full_feature_names,
                filter_by_created_timestamp=strict,
            )
        lookups = tuple(
            _view_lookup(config, view, feature_refs, full_feature_names, strict)
            for view in feature_views
        )
        check_join_keys(entities, [name for _, names in lookups for name in names])
        _check_names(entities, lookups)
        join = FeatureJoin(entities, time_column, lookups, limits)
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        return AisleRetrievalJob(
            lambda: join.refreshed().table(),
            lambda: join.refreshed().slices(),
            target=partial(_target, config),
            on_demand=[by_row(view) for view in on_demand],
            full_feature_names=full_feature_names,
            metadata=_metadata(entities, time_column, feature_refs),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """Return the newest row of every key between two dates, both inclusive."""
        if not _is_parquet(data_source):
            return DuckDBOfflineStore.pull_latest_from_table_or_query(
                config,
                data_source,
                join_key_columns,
                feature_name_columns,
                timestamp_field,
                created_timestamp_column,
                start_date,
                end_date,
            )
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        names = list(dict.fromkeys([*join_key_columns, *feature_name_columns, *times]))
        lookup = Lookup(
            source=_rows(config, data_source, timestamp_field, created_timestamp_column or None),
            keys=tuple(join_key_columns),
            time=timestamp_field,
            created=created_timestamp_column or None,
            strict=False,
            ttl=0,
            columns={name: name for name in names},
        )
        limits = _limits(config)
        bounds = _instant(start_date), _instant(end_date)
        return _job_of_rows(config, lookup, lambda current: current.newest(*bounds, limits), limits)

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Return every row between two dates, both inclusive."""
        if not _is_parquet(data_source):
            return DuckDBOfflineStore.pull_all_from_table_or_query(
                config,
                data_source,
                join_key_columns,
                feature_name_columns,
                timestamp_field,
                created_timestamp_column,
                start_date,
                end_date,
            )
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        names = list(dict.fromkeys([*join_key_columns, *feature_name_columns, *times]))
        lookup = Lookup(
            source=_rows(config, data_source, timestamp_field),
            keys=(),
            time=timestamp_field,
            created=None,
            strict=False,
            ttl=0,
            columns={name: name for name in names},
        )
        limits = _limits(config)
        earliest = None if start_date is None else _instant(start_date)
        latest = None if end_date is None else _instant(end_date)
        return _job_of_rows(
            config, lookup, lambda current: current.between(earliest, latest, limits), limits
        )

    def validate_data_source(self, config: RepoConfig, data_source: DataSource) -> None:
        """Check, at `feast apply`, that the files of a source have its time columns.

        A source without files is valid: they may be written later.

        Raises:
            CatalogueError: a column is missing.
        """
        super().validate_data_source(config, data_source)
        if not _is_parquet(data_source) or not list_files(*_location(config, data_source)):
            return
        rows = _rows(config, data_source, None)
        mapping = {mapped: column for column, mapped in data_source.field_mapping.items()}
        for name in (data_source.timestamp_field, data_source.created_timestamp_column):
            if name:
                rows.field(mapping.get(name, name))

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Add rows to a view's source; in a folder, as one more file."""
        source = feature_view.batch_source
        if not _is_parquet(source):
            DuckDBOfflineStore.offline_write_batch(config, feature_view, table, progress)
            return
        stored = _rows(config, source, None).schema
        if set(stored.names) != set(table.column_names):
            raise ValueError(
                f"{source.path} has the columns {stored.names}; the rows to add have "
                f"{table.column_names}."
            )
        _target(config, source).append([table.select(stored.names).cast(stored)])
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Add logged features to their folder; create it if it does not exist."""
        destination = logging_config.destination.to_data_source()
        folder = Path(_path(config, destination))
        folder.mkdir(parents=True, exist_ok=True)
        logging_config.destination.path = str(folder)
        DuckDBOfflineStore.write_logged_features(config, data, source, logging_config, registry)


def _view_lookup(
    config: RepoConfig, view: FeatureView, refs: list[str], full_names: bool, strict: bool
) -> tuple[Lookup, tuple[str, ...]]:
    source, projection = view.batch_source, view.projection
    physical = {mapped: column for column, mapped in source.field_mapping.items()}
    keys = [e.name for e in view.entity_columns if e.name != DUMMY_ENTITY_ID]
    view_name = projection.name_to_use()
    names = [ref.split(":", 1)[1] for ref in refs if ref.split(":", 1)[0] == view_name]
    prefix = f"{projection.name_alias or view.name}__" if full_names else ""
    created = source.created_timestamp_column or None
    time = physical.get(source.timestamp_field, source.timestamp_field)
    declared = {field.name: field for field in view.features}
    rows = _rows(config, source, time)
    by_column = {physical.get(n, n): declared[n] for n in names if n in declared}
    check_declared_types(rows.field, rows.path, by_column)
    lookup = Lookup(
        source=rows,
        keys=tuple(physical.get(key, key) for key in keys),
        time=time,
        created=physical.get(created, created) if created else None,
        strict=strict,
        ttl=view.ttl // _MICROSECOND if view.ttl else 0,
        columns={f"{prefix}{name}": physical.get(name, name) for name in names},
    )
    return lookup, tuple(projection.join_key_map.get(key, key) for key in keys)


def _job_of_rows(
    config: RepoConfig, lookup: Lookup, rows: Callable[[Lookup], RowNumbers], limits: Limits
) -> AisleRetrievalJob:
    """Return a job over rows of one source."""

    def table() -> pa.Table:
        current = lookup.refreshed()
        return current.read_rows(rows(current), limits).combine_chunks()

    def slices() -> Iterator[pa.Table]:
        current = lookup.refreshed()
        return current.read_slices(rows(current), limits)

    return AisleRetrievalJob(table, slices, target=partial(_target, config))


def _check_names(entities: pa.Table, lookups: tuple[tuple[Lookup, tuple[str, ...]], ...]) -> None:
    names = list(entities.column_names)
    for lookup, _ in lookups:
        duplicates = [name for name in lookup.columns if name in names]
        if duplicates:
            raise CatalogueError(
                f"The result would have two columns named {duplicates[0]!r}: one of the entity "
                "rows or of another view, and a feature.  Use full_feature_names, or rename the "
                "column."
            )
        names += lookup.columns


def _metadata(entities: pa.Table, time_column: str, refs: list[str]) -> RetrievalMetadata:
    times = micros(entities[time_column])
    times = times[times != NULL_TIME]
    bounds = [to_datetime(int(t)) for t in (times.min(), times.max())] if times.size else [None] * 2
    return RetrievalMetadata(
        features=refs,
        keys=[name for name in entities.column_names if name != time_column],
        min_event_timestamp=bounds[0],
        max_event_timestamp=bounds[1],
    )


def _rows(
    config: RepoConfig, source: FileSource, time: str | None, created: str | None = None
) -> ParquetRows:
    return ParquetRows.open(*_location(config, source), time, created)


def _target(config: RepoConfig, source: FileSource) -> ParquetTarget:
    return ParquetTarget(*_location(config, source))


def _location(config: RepoConfig, source: FileSource) -> tuple[str, pafs.FileSystem]:
    filesystem, path = FileSource.create_filesystem_and_path(
        _path(config, source), source.s3_endpoint_override, source.resolve_credentials()
    )
    return path, filesystem or pafs.LocalFileSystem()


def _path(config: RepoConfig, source: FileSource) -> str:
    """Return the absolute path, or a URI."""
    path = FileSource.get_uri_for_file_path(config.repo_path, source.path)
    return str(path) if "://" in str(path) else str(Path(path).absolute())


def _is_parquet(source: DataSource) -> bool:
    if not isinstance(source, FileSource):
        return False
    return source.file_format is None or isinstance(source.file_format, ParquetFormat)


def _strict(config: RepoConfig) -> bool:
    return bool(getattr(config.offline_store, "filter_by_created_timestamp", True))


def _limits(config: RepoConfig) -> Limits:
    store = config.offline_store
    return Limits.of(getattr(store, "memory_limit", None), getattr(store, "threads", None))


def _instant(date: datetime) -> int:
    """Convert to microseconds; a time without a zone is local time, as in Feast."""
    return (date.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND

"""Read the entity rows of a join from a data frame, an Arrow table or SQL."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
from feast.errors import EntityTimestampInferenceException, FeastEntityDFMissingColumnsError

from feature_repo.home import CatalogueError
from feature_repo.offline.parquet import as_utc

EVENT_TIMESTAMP = "event_timestamp"

EntityRows: TypeAlias = pd.DataFrame | pa.Table | pa.RecordBatchReader | str


def entity_table(rows: EntityRows | None, folder: Path | None) -> tuple[pa.Table, str]:
    """Return the rows as an Arrow table with times in UTC, and the name of the time column.

    Args:
        rows: a data frame, a table or SQL of DuckDB, whose relative paths start from the folder.
        folder: of the feature repository.

    Raises:
        CatalogueError: there are no entity rows, or the values of `event_timestamp` are not times.
        EntityTimestampInferenceException: there is no `event_timestamp`, and no or more than one
            column of times.
    """
    if rows is None:
        raise CatalogueError(
            "A historical join needs entity rows (entity_df); none were given.  Feast's stores "
            "read start_date and end_date in different ways, so this one reads neither: list the "
            "keys and instants."
        )
    table = _arrow(rows, folder)
    column = _time_column(table.schema)
    _check_times(column, table[column])
    position = table.schema.get_field_index(column)
    return table.set_column(position, column, as_utc(table[column])), column


def check_join_keys(table: pa.Table, columns: Iterable[str]) -> None:
    """Check that the entity rows have every join key.

    Raises:
        FeastEntityDFMissingColumnsError: a join key is missing.
    """
    required = set(columns)
    missing = required - set(table.column_names)
    if missing:
        raise FeastEntityDFMissingColumnsError(required, missing)


def _check_times(name: str, times: pa.ChunkedArray) -> None:
    kind = times.type
    is_number = pa.types.is_primitive(kind) and not (
        pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    )
    if is_number and times.null_count < len(times):
        raise CatalogueError(
            f"Column {name!r} of the entity rows holds {kind}, expected times; convert it, such as "
            "by pandas.to_datetime(column, unit='s', utc=True)."
        )


def _arrow(rows: EntityRows, folder: Path | None) -> pa.Table:
    if isinstance(rows, str):
        return _query(rows, folder)
    if isinstance(rows, pd.DataFrame):
        return pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata()
    return rows if isinstance(rows, pa.Table) else rows.read_all()


def _query(sql: str, folder: Path | None) -> pa.Table:
    with duckdb.connect() as database:
        database.execute("set TimeZone = 'UTC'")
        if folder is not None:
            database.execute("set file_search_path = ?", [str(folder.absolute())])
        return database.sql(sql).to_arrow_table()


def _time_column(schema: pa.Schema) -> str:
    if EVENT_TIMESTAMP in schema.names:
        return EVENT_TIMESTAMP
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    if len(times) != 1:
        raise EntityTimestampInferenceException(EVENT_TIMESTAMP)
    return str(times[0])

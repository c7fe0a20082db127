"""Parquet files of features: their schemas, row groups, timestamps and writer."""

from feature_repo.offline.parquet.declared_types import check_declared_types
from feature_repo.offline.parquet.files import list_files
from feature_repo.offline.parquet.footers import (
    column_bounds,
    count_rows,
    count_values,
    newest_time,
)
from feature_repo.offline.parquet.row_groups import ParquetRows, RowGroup
from feature_repo.offline.parquet.timestamps import NULL_TIME, Instants, as_utc, micros
from feature_repo.offline.parquet.writer import ParquetTarget

__all__ = [
    "NULL_TIME",
    "Instants",
    "ParquetRows",
    "ParquetTarget",
    "RowGroup",
    "as_utc",
    "check_declared_types",
    "column_bounds",
    "count_rows",
    "count_values",
    "list_files",
    "micros",
    "newest_time",
]

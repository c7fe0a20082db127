"""From events to feature rows: DuckDB SQL in layers, and the runner."""

from feature_repo.transformations.lineage import sources_of
from feature_repo.transformations.log_slice import LogSlice, open_served
from feature_repo.transformations.run import (
    TransformReport,
    features_sealed_at,
    is_current,
    transform,
)
from feature_repo.transformations.staged_log import define_values, opened, stage, staged
from feature_repo.transformations.state import State
from feature_repo.transformations.templates import row_sql

__all__ = [
    "LogSlice",
    "State",
    "TransformReport",
    "define_values",
    "features_sealed_at",
    "is_current",
    "open_served",
    "opened",
    "row_sql",
    "sources_of",
    "stage",
    "staged",
    "transform",
]

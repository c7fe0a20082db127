"""From events to feature rows: DuckDB SQL in layers, and the runner."""

from feature_repo.transformations.run import transform
from feature_repo.transformations.staged_log import staged
from feature_repo.transformations.templates import row_sql

__all__ = [
    "row_sql",
    "staged",
    "transform",
]

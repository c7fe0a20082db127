"""From events to feature rows: DuckDB SQL in layers, and the runner."""

from feature_repo.transformations.run import SQL, staged, transform

__all__ = [
    "SQL",
    "staged",
    "transform",
]

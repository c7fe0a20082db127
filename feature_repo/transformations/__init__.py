"""From events to feature rows: DuckDB SQL in layers, and the runner."""

from feature_repo.transformations.run import staged, transform

__all__ = [
    "staged",
    "transform",
]

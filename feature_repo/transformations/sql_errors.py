"""Errors of a view's SQL, which name the view, its file and the columns that it must return."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from feature_repo.home import CatalogueError
from feature_repo.views import CounterView, ViewSpec


@contextmanager
def naming_the_view(spec: ViewSpec) -> Iterator[None]:
    """Name the view in an error of its SQL; other errors, such as a full disk, pass unchanged.

    Raises:
        CatalogueError: DuckDB cannot parse, bind or evaluate the SQL.
    """
    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        others = (
            "seen_at, bucket, part and the measures"
            if isinstance(spec, CounterView)
            else "event_timestamp, created_timestamp, the fields and part"
        )
        raise CatalogueError(
            f"View {spec.name!r}: {spec.sql_file.name}: expected columns {spec.key} (entity key), "
            f"{others}; {error}"
        ) from error

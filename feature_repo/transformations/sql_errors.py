"""Errors of a view's SQL, which name the view, its file and the columns that it must return."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from feature_repo.home import CatalogueError
from feature_repo.shop import Shop
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
            else f"event_timestamp, created_timestamp, the fields, {', '.join(spec.bookkeeping)}"
        )
        raise CatalogueError(
            f"View {spec.name!r}: {spec.sql_file.name}: expected columns {spec.key} (entity key), "
            f"{others}; {error}"
        ) from error


def check_columns(db: duckdb.DuckDBPyConnection, spec: ViewSpec, shop: Shop, sql: str) -> None:
    """Compare the columns of a view's SQL with its declared fields.

    Raises:
        CatalogueError: they differ.
    """
    names = (*(field.name for field in spec.fields_of(shop)), *spec.bookkeeping)
    expected = [spec.key, "event_timestamp", "created_timestamp", *names]
    columns = [row[0] for row in db.execute(f"describe {sql}").fetchall()]
    if columns != expected:
        raise CatalogueError(
            f"{spec.sql_file.name}: expected the columns {', '.join(expected)} of view "
            f"{spec.name!r}, found {', '.join(columns)}; change the SQL or the view's fields."
        )

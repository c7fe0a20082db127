"""The files with the rows of a feature view: one folder of Parquet, named like the view."""

from feast import FileSource
from feast.data_format import ParquetFormat

from feature_repo.home import CHECKOUT, Home
from feature_repo.views import ViewSpec


def rows_of(home: Home, spec: ViewSpec) -> FileSource:
    """Return a view's source; its path is absolute: Feast resolves others by working directory."""
    file = spec.sql_file
    name = file.relative_to(CHECKOUT).as_posix() if file.is_relative_to(CHECKOUT) else file.name
    return FileSource(
        name=spec.name,
        path=str(home.features.absolute() / spec.name),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        description=f"Written by {name}.",
    )

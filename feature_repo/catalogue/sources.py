"""Where the rows of a feature view lie: one folder of Parquet files, named like the view."""

from feast import FileSource
from feast.data_format import ParquetFormat

from feature_repo.home import Home


def rows_of(home: Home, view: str) -> FileSource:
    """The source of a view; its path is absolute, as Feast resolves others by working directory."""
    return FileSource(
        name=view,
        path=str(home.features.absolute() / view),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        description=f"Written by feature_repo/transformations/features/{view}.sql.",
    )

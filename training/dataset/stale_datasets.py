"""Find datasets that still contain rows of a user who was erased from the log."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import Home

_KEY = "user_id"


def stale_datasets(home: Home, user_id: str) -> list[str]:
    """Return the paths, below the home, of the datasets to rebuild and retrain from."""
    files = sorted(home.datasets.rglob("*.parquet"))
    return [str(path.relative_to(home.root)) for path in files if _contains_user(path, user_id)]


def _contains_user(path: Path, user_id: str) -> bool:
    return any(pc.any(pc.equal(users, user_id)).as_py() for users in _users(path))


def _users(path: Path) -> Iterator[pa.ChunkedArray]:
    """Read the user column, a row group at a time; yields nothing if the file has none."""
    with pq.ParquetFile(path) as file:
        if _KEY in file.schema_arrow.names:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=[_KEY]).column(0).cast(pa.string())

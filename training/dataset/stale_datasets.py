"""Find datasets that still contain rows of users who were erased from the log."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.home import Home

_KEYS = ("user_id", "session_id")
_MAGIC = b"PAR1"


def stale_datasets(home: Home, user_id: str) -> list[str]:
    """Return the paths, below the home, of the datasets to rebuild and retrain from."""
    return [str(path.relative_to(home.root)) for path in datasets_with(home.datasets, {user_id})]


def datasets_with(folder: Path, ids: Collection[str]) -> list[Path]:
    """Return the Parquet files below a folder with rows of one of some users or sessions."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and _is_parquet(path))
    return [path for path in files if _contains(path, ids)]


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _contains(path: Path, ids: Collection[str]) -> bool:
    values = pa.array(sorted(ids), pa.string())
    return any(pc.any(pc.is_in(keys, value_set=values)).as_py() for keys in _key_columns(path))


def _key_columns(path: Path) -> Iterator[pa.ChunkedArray]:
    """Read the columns of users and sessions, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for key in _KEYS:
            if key in file.schema_arrow.names:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=[key]).column(0).cast(pa.string())

"""The file a dataset lies in: Parquet, one row an item of a slate, with what was fitted on the way.

Key columns come first, then the F feature columns as float32; rows are in (t, request id, position)
order.  The metadata says which columns are features, and the prior they were made with.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.errors import DatasetError
from feature_repo.rate_prior import RatePrior
from feature_repo.request_features import Matrix

KEYS = (
    "request_id",
    "qid",
    "user_id",
    "query_key",
    "market",
    "item_id",
    "position",
    "t",
    "gain",
    "split",
)
KEYS_WHERE_KNOWN = ("device", "randomized", "clicked", "carted", "ordered")
"""Of the user; whether the order was drawn at random; the outcomes that the gain is made of."""
_METADATA = b"aisle"


@dataclass(frozen=True)
class Facts:
    """What a dataset's metadata says.

    Attributes:
        columns: the F feature columns, in order.
        prior: click-rate prior, fitted on the training part.
        feature_service: the service the features are of.
        query_key_version: of the function that made the query keys.
        rankings: number of rankings by split.
    """

    columns: tuple[str, ...]
    prior: RatePrior
    feature_service: str
    query_key_version: int
    rankings: dict[str, int]


@dataclass(frozen=True)
class Dataset:
    """A dataset, or some rows of it, in memory: R rows.

    Attributes:
        facts: its metadata.
        keys: R rows of `KEYS`.
        matrix: shape (R, F) float32.
    """

    facts: Facts
    keys: pa.Table
    matrix: Matrix

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read a dataset.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        facts, table = read_facts(path), pq.read_table(path)
        missing = [name for name in (*KEYS, *facts.columns) if name not in table.column_names]
        if missing:
            raise DatasetError(f"{path} lacks the columns {missing}; build the dataset again.")
        matrix = np.empty((table.num_rows, len(facts.columns)), dtype=np.float32)
        for place, name in enumerate(facts.columns):
            matrix[:, place] = table.column(name).to_numpy()
        return cls(facts, _keys_of(table), matrix)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Shape (R,): a key column, or a feature by its name."""
        if name in self.facts.columns:
            return self.matrix[:, self.facts.columns.index(name)]
        values: npt.NDArray[Any] = self.keys.column(name).to_numpy()
        return values

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Dataset":
        """The chosen rows."""
        return Dataset(self.facts, self.keys.filter(pa.array(chosen)), self.matrix[chosen])

    def part(self, *splits: str) -> "Dataset":
        """The rows of some splits."""
        return self.rows(np.isin(self.column("split").astype(str), splits))


def read_facts(path: Path) -> Facts:
    """The metadata alone.

    Raises:
        DatasetError: absent or not one of ours.
    """
    try:
        table = json.loads((pq.read_schema(path).metadata or {})[_METADATA])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        raise DatasetError(f"{path}: expected a dataset; build one with `aisle train`.") from None
    prior = {name: math.nan if value is None else value for name, value in table["prior"].items()}
    return Facts(**{**table, "columns": tuple(table["columns"]), "prior": RatePrior(**prior)})


def write_dataset(path: Path, facts: Facts, keys: pa.Table, matrices: Iterable[Matrix]) -> None:
    """Write rows and their features; the file is whole or absent.

    Args:
        path: of the file.
        facts: its metadata.
        keys: R rows with `KEYS`, in order.
        matrices: row groups of the (R, F) matrix, in the same order.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = _keys_of(keys)
    features = [pa.field(name, pa.float32()) for name in facts.columns]
    schema = pa.schema([*keys.schema, *features]).with_metadata({_METADATA: _encoded(facts)})
    half, start = path.with_name(f".{path.name}.part"), 0
    with pq.ParquetWriter(half, schema, compression="zstd") as writer:
        for matrix in matrices:
            part = keys.slice(start, matrix.shape[0]).combine_chunks()
            writer.write_table(pa.table([*part.columns, *map(pa.array, matrix.T)], schema=schema))
            start += matrix.shape[0]
    half.replace(path)


def _keys_of(table: pa.Table) -> pa.Table:
    known = [name for name in KEYS_WHERE_KNOWN if name in table.column_names]
    return table.select([*KEYS, *known])


def _encoded(facts: Facts) -> bytes:
    table = asdict(facts)
    table["prior"] = {k: None if math.isnan(v) else v for k, v in table["prior"].items()}
    return json.dumps(table).encode()

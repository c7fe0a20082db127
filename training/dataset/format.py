"""The dataset file: Parquet, one row for each item of a slate, and the fitted prior.

Key columns come first, then the F feature columns as float32; rows are in (t, request id, position)
order.  The metadata lists the feature columns and the prior that they were computed with.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import DatasetError
from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior

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
CONTEXT = (
    *("session_id", "surface", "device", "category"),
    *("randomized", "clicked", "carted", "ordered"),
)
"""Optional key columns: session, surface and device, the item's category, whether the order was
random, and the outcomes that make up the gain."""

_METADATA, _ROWS = b"aisle", b"aisle.rows"


@dataclass(frozen=True)
class Facts:
    """The metadata of a dataset.

    Attributes:
        columns: the F feature columns, in order.
        prior: click-rate prior, fitted on the training split.
        feature_service: the service that has these features.
        query_key_version: version of the function that computes query keys.
        rankings: number of rankings by split.
        roles: feature columns by their role in the platform, such as price.
        origin: what the features came from, as `State.origin`.
    """

    columns: tuple[str, ...]
    prior: RatePrior
    feature_service: str
    query_key_version: int
    rankings: dict[str, int]
    roles: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)


class Dataset:
    """A dataset, or some rows of it: R rows of `KEYS`, of available `CONTEXT` and of F features.

    This class has them in memory; `LazyDataset` reads them from the file on demand.
    """

    def __init__(self, facts: Facts, keys: pa.Table, matrix: Matrix) -> None:
        self.facts = facts
        self._keys = keys
        self._matrix = matrix

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read a dataset.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        facts, table = read_facts(path), pq.read_table(path)
        keys = [name for name in (*KEYS, *CONTEXT) if name in table.column_names]
        return Dataset(facts, table.select(keys), matrix_of(table, facts.columns))

    @property
    def keys(self) -> pa.Table:
        """R rows of `KEYS` and of the available `CONTEXT`."""
        return self._keys

    @property
    def matrix(self) -> Matrix:
        """Shape (R, F) float32."""
        return self._matrix

    @property
    def size(self) -> int:
        """Number of rows, R."""
        return int(self._keys.num_rows)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Shape (R,): a key column, or a feature by its name; all None for a missing one."""
        if name in self.facts.columns:
            return self.matrix[:, self.facts.columns.index(name)]
        if name not in self.keys.column_names:
            return np.full(self.size, None)
        values: npt.NDArray[Any] = self.keys.column(name).to_numpy()
        return values

    def batches(self) -> Iterator[Matrix]:
        """Iterate over the matrix in parts, in row order."""
        yield self.matrix

    def rows(self, selected: npt.NDArray[np.bool_]) -> "Dataset":
        """Select rows."""
        return Dataset(self.facts, self.keys.filter(pa.array(selected)), self.matrix[selected])

    def part(self, *splits: str) -> "Dataset":
        """Select the rows of some splits."""
        return self.rows(np.isin(self.column("split"), splits))

    def with_gain(self) -> "Dataset":
        """Select the slates with a gain above 0; a ranker cannot learn from the others."""
        qid = self.column("qid")
        return self.rows(np.isin(qid, np.unique(qid[self.column("gain") > 0])))

    def features(self, columns: Sequence[str]) -> "Dataset":
        """Select features, in the given order."""
        indexes = [self.facts.columns.index(name) for name in columns]
        facts = replace(self.facts, columns=tuple(columns))
        return Dataset(facts, self.keys, np.ascontiguousarray(self.matrix[:, indexes]))


def matrix_of(table: pa.Table, columns: Sequence[str]) -> Matrix:
    """Return some columns of a table as a matrix, shape (R, F) float32."""
    matrix = np.empty((table.num_rows, len(columns)), dtype=np.float32)
    for index, name in enumerate(columns):
        matrix[:, index] = table.column(name).to_numpy()
    return matrix


def read_facts(path: Path) -> Facts:
    """Read only the metadata.

    Raises:
        DatasetError: absent, not one of ours, or a column is missing.
    """
    try:
        schema = pq.read_schema(path)
        table = json.loads((schema.metadata or {})[_METADATA])
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        raise DatasetError(f"{path}: expected a dataset; build one with `aisle train`.") from None
    missing = [name for name in (*KEYS, *table["columns"]) if name not in schema.names]
    if missing:
        raise DatasetError(f"{path} lacks the columns {missing}; build the dataset again.")
    prior = {name: math.nan if value is None else value for name, value in table["prior"].items()}
    return Facts(**{**table, "columns": tuple(table["columns"]), "prior": RatePrior(**prior)})


def damage_of(path: Path) -> str | None:
    """Return what does not fit between a dataset's rows, pages and metadata; None if all fits."""
    try:
        read_facts(path)
        expected = int(pq.read_metadata(path).metadata[_ROWS])
        rows = 0
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                rows += file.read_row_group(group).num_rows
    except DatasetError as error:
        return str(error).rstrip(".")
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        return f"it cannot be read whole ({str(error)[:120]})"
    return None if rows == expected else f"expected {expected} rows, found {rows}"


def write_dataset(path: Path, facts: Facts, keys: pa.Table, matrices: Iterable[Matrix]) -> None:
    """Write rows and their features; leave no file after a failure.

    Args:
        path: of the file.
        facts: its metadata.
        keys: R rows with `KEYS` and any of `CONTEXT`, in order.
        matrices: row groups of the (R, F) matrix, in the same order.
    """
    with DatasetWriter(path, facts, keys.schema) as writer:
        start = 0
        for matrix in matrices:
            writer.write(keys.slice(start, matrix.shape[0]), matrix)
            start += matrix.shape[0]


class DatasetWriter:
    """Write a dataset's file, which appears only when it is complete.

    Args:
        path: of the file.
        facts: its metadata.
        keys: schema that contains `KEYS`; other columns are written if they are in `CONTEXT`.
    """

    def __init__(self, path: Path, facts: Facts, keys: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._partial = path, path.with_name(f".{path.name}.part")
        self._keys = [*KEYS, *(name for name in CONTEXT if name in keys.names)]
        fields = [keys.field(name) for name in self._keys]
        features = [pa.field(name, pa.float32()) for name in facts.columns]
        self._schema = pa.schema([*fields, *features]).with_metadata({_METADATA: _encoded(facts)})
        self._rows = 0
        self._writer = pq.ParquetWriter(
            self._partial, self._schema, compression="zstd", write_page_checksum=True
        )

    def write(self, keys: pa.Table, matrix: Matrix) -> None:
        """Write whole slates as one row group: N rows of keys, and their (N, F) features."""
        columns = keys.select(self._keys).combine_chunks().columns
        table = pa.table([*columns, *map(pa.array, matrix.T)], schema=self._schema)
        self._writer.write_table(table)
        self._rows += table.num_rows

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._writer.add_key_value_metadata({_ROWS: str(self._rows).encode()})
        self._writer.close()
        if error is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink()


def _encoded(facts: Facts) -> bytes:
    table = asdict(facts)
    table["prior"] = {k: None if math.isnan(v) else v for k, v in table["prior"].items()}
    return json.dumps(table).encode()

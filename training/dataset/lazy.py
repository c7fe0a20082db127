"""A dataset that is read on demand, so that memory does not bound its size.

Columns are read one by one, the matrix a row group at a time.  Training reads most of them many
times, so a file that is small enough is read once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.request_features import Matrix
from training.dataset.format import CONTEXT, KEYS, Dataset, Facts, matrix_of, read_facts

RowNumbers = npt.NDArray[np.int64]

MOST_BYTES = 1 << 28
"""A matrix of at most this size is read once and stays in memory."""


class LazyDataset(Dataset):
    """Rows of a dataset's file.

    Args:
        path: of the file.
        facts: its metadata; fewer columns are fewer features.
        selected: shape (R,), row numbers in the file, ascending; None for all rows.
        whole: the file in memory, with the same features; None to read it on demand.
    """

    def __init__(
        self,
        path: Path,
        facts: Facts,
        selected: RowNumbers | None = None,
        whole: Dataset | None = None,
    ) -> None:
        self.path, self.facts, self._selected, self._whole = path, facts, selected, whole
        self._read: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def open(cls, path: Path, most_bytes: int = MOST_BYTES) -> "LazyDataset":
        """Open a dataset; read only its metadata if its matrix is larger than `most_bytes`.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        facts = read_facts(path)
        values = pq.read_metadata(path).num_rows * len(facts.columns)
        is_small = values * np.dtype(np.float32).itemsize <= most_bytes
        return cls(path, facts, None, Dataset.load(path) if is_small else None)

    @cached_property
    def _metadata(self) -> pq.FileMetaData:
        return pq.read_metadata(self.path)

    @cached_property
    def _bounds(self) -> RowNumbers:
        """First row of each row group, then the number of rows in the file."""
        groups = range(self._metadata.num_row_groups)
        return np.cumsum([0, *(self._metadata.row_group(n).num_rows for n in groups)])

    @cached_property
    def _key_columns(self) -> list[str]:
        names = self._metadata.schema.names
        return [*KEYS, *(name for name in CONTEXT if name in names)]

    @property
    def size(self) -> int:
        """Number of rows, R."""
        return int(self._bounds[-1]) if self._selected is None else self._selected.size

    @property
    def keys(self) -> pa.Table:
        """R rows of `KEYS` and of the available `CONTEXT`; a large file is read on each call."""
        if self._whole is None:
            table = pq.read_table(self.path, columns=self._key_columns)
        else:
            table = self._whole.keys
        return table if self._selected is None else table.take(pa.array(self._selected))

    @property
    def matrix(self) -> Matrix:
        """Shape (R, F) float32, in memory."""
        return np.concatenate([np.empty((0, len(self.facts.columns)), np.float32), *self.batches()])

    def column(self, name: str) -> npt.NDArray[Any]:
        """Shape (R,): a key column, which is cached, or a feature, which is not."""
        if name in self._read:
            return self._read[name]
        if name not in (*self.facts.columns, *self._key_columns):
            return np.full(self.size, None)
        if self._whole is None:
            table = pq.read_table(self.path, columns=[name])
            every: npt.NDArray[Any] = table.column(0).to_numpy()
        else:
            every = self._whole.column(name)
        values = every if self._selected is None else every[self._selected]
        if name in self._key_columns:
            self._read[name] = values
        return values

    def batches(self) -> Iterator[Matrix]:
        """Iterate over the matrix by row group; skip row groups without a selected row.

        A matrix in memory has the same batches, since the bins of XGBoost may depend on them.
        """
        for group, (start, end) in enumerate(pairwise(self._bounds.tolist())):
            row_numbers = self._within(start, end)
            if row_numbers is None or row_numbers.size:
                matrix = (
                    self._row_group(group) if self._whole is None else self._whole.matrix[start:end]
                )
                yield matrix if row_numbers is None else matrix[row_numbers]

    def _row_group(self, group: int) -> Matrix:
        with pq.ParquetFile(self.path, metadata=self._metadata) as file:
            table = file.read_row_group(group, columns=list(self.facts.columns))
        return matrix_of(table, self.facts.columns)

    def _within(self, start: int, end: int) -> RowNumbers | None:
        """Positions of the selected rows within rows start to end; None for all of them."""
        if self._selected is None:
            return None
        first, last = np.searchsorted(self._selected, [start, end])
        row_numbers: RowNumbers = self._selected[first:last] - start
        return None if row_numbers.size == end - start else row_numbers

    def rows(self, selected: npt.NDArray[np.bool_]) -> "LazyDataset":
        """Select rows; reads nothing."""
        previous = np.arange(self.size) if self._selected is None else self._selected
        return LazyDataset(self.path, self.facts, previous[selected], self._whole)

    def features(self, columns: Sequence[str]) -> "LazyDataset":
        """Select features, in the given order; reads nothing."""
        facts = replace(self.facts, columns=tuple(columns))
        whole = None if self._whole is None else self._whole.features(columns)
        return LazyDataset(self.path, facts, self._selected, whole)

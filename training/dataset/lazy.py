"""A dataset that is read on demand, so that memory does not bound its size.

Columns are read one by one, the matrix a row group at a time.
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


class LazyDataset(Dataset):
    """Rows of a dataset's file.

    Args:
        path: of the file.
        facts: its metadata; fewer columns are fewer features.
        selected: shape (R,), row numbers in the file, ascending; None for all rows.
    """

    def __init__(self, path: Path, facts: Facts, selected: RowNumbers | None = None) -> None:
        self.path, self.facts, self._selected = path, facts, selected
        self._read: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def open(cls, path: Path) -> "LazyDataset":
        """Open a dataset; read only its metadata.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        return cls(path, read_facts(path))

    @cached_property
    def _bounds(self) -> RowNumbers:
        """First row of each row group, then the number of rows in the file."""
        metadata = pq.read_metadata(self.path)
        sizes = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
        return np.cumsum([0, *sizes])

    @cached_property
    def _key_columns(self) -> list[str]:
        names = pq.read_schema(self.path).names
        return [*KEYS, *(name for name in CONTEXT if name in names)]

    @property
    def size(self) -> int:
        """Number of rows, R."""
        return int(self._bounds[-1]) if self._selected is None else self._selected.size

    @property
    def keys(self) -> pa.Table:
        """R rows of `KEYS` and of the available `CONTEXT`; read on each call."""
        table = pq.read_table(self.path, columns=self._key_columns)
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
        whole: npt.NDArray[Any] = pq.read_table(self.path, columns=[name]).column(0).to_numpy()
        values = whole if self._selected is None else whole[self._selected]
        if name in self._key_columns:
            self._read[name] = values
        return values

    def batches(self) -> Iterator[Matrix]:
        """Read the matrix a row group at a time; skip row groups without a selected row."""
        with pq.ParquetFile(self.path) as file:
            for group, (start, end) in enumerate(pairwise(self._bounds.tolist())):
                row_numbers = self._within(start, end)
                if row_numbers is None or row_numbers.size:
                    table = file.read_row_group(group, columns=list(self.facts.columns))
                    matrix = matrix_of(table, self.facts.columns)
                    yield matrix if row_numbers is None else matrix[row_numbers]

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
        return LazyDataset(self.path, self.facts, previous[selected])

    def features(self, columns: Sequence[str]) -> "LazyDataset":
        """Select features, in the given order; reads nothing."""
        return LazyDataset(self.path, replace(self.facts, columns=tuple(columns)), self._selected)

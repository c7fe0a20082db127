"""A dataset that stays in its file, so that its size is not bounded by memory.

Columns are read one by one when they are asked for, the matrix a row group at a time.
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

Places = npt.NDArray[np.int64]


class LazyDataset(Dataset):
    """Rows of a dataset's file.

    Args:
        path: of the file.
        facts: its metadata; fewer columns are fewer features.
        chosen: shape (R,), ascending places of the rows in the file; None for all of them.
    """

    def __init__(self, path: Path, facts: Facts, chosen: Places | None = None) -> None:
        self.path, self.facts, self._chosen = path, facts, chosen
        self._read: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def open(cls, path: Path) -> "LazyDataset":
        """Look at a dataset.

        Raises:
            DatasetError: absent, not one of ours, or a column is missing.
        """
        return cls(path, read_facts(path))

    @cached_property
    def _bounds(self) -> Places:
        """Where row groups begin, and the number of rows in the file."""
        told = pq.read_metadata(self.path)
        sizes = [told.row_group(n).num_rows for n in range(told.num_row_groups)]
        return np.cumsum([0, *sizes])

    @cached_property
    def _key_columns(self) -> list[str]:
        there = pq.read_schema(self.path).names
        return [*KEYS, *(name for name in CONTEXT if name in there)]

    @property
    def size(self) -> int:
        """R."""
        return int(self._bounds[-1]) if self._chosen is None else self._chosen.size

    @property
    def keys(self) -> pa.Table:
        """R rows of `KEYS` and of what `CONTEXT` there is, read anew."""
        table = pq.read_table(self.path, columns=self._key_columns)
        return table if self._chosen is None else table.take(pa.array(self._chosen))

    @property
    def matrix(self) -> Matrix:
        """Shape (R, F) float32: all of it in memory."""
        return np.concatenate([np.empty((0, len(self.facts.columns)), np.float32), *self.batches()])

    def column(self, name: str) -> npt.NDArray[Any]:
        """Shape (R,): a key column, which is kept, or a feature, which is not."""
        if name in self._read:
            return self._read[name]
        if name not in (*self.facts.columns, *self._key_columns):
            return np.full(self.size, None)
        whole: npt.NDArray[Any] = pq.read_table(self.path, columns=[name]).column(0).to_numpy()
        values = whole if self._chosen is None else whole[self._chosen]
        if name in self._key_columns:
            self._read[name] = values
        return values

    def batches(self) -> Iterator[Matrix]:
        """The matrix a row group of the file at a time; none for one of which no row is chosen."""
        with pq.ParquetFile(self.path) as file:
            for group, (start, end) in enumerate(pairwise(self._bounds.tolist())):
                places = self._within(start, end)
                if places is None or places.size:
                    table = file.read_row_group(group, columns=list(self.facts.columns))
                    matrix = matrix_of(table, self.facts.columns)
                    yield matrix if places is None else matrix[places]

    def _within(self, start: int, end: int) -> Places | None:
        """Places of the chosen rows in the rows from start to end; None for all of them."""
        if self._chosen is None:
            return None
        first, last = np.searchsorted(self._chosen, [start, end])
        places: Places = self._chosen[first:last] - start
        return None if places.size == end - start else places

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "LazyDataset":
        """The chosen rows; nothing is read."""
        before = np.arange(self.size) if self._chosen is None else self._chosen
        return LazyDataset(self.path, self.facts, before[chosen])

    def features(self, columns: Sequence[str]) -> "LazyDataset":
        """The same rows with some of the features, in the order given."""
        return LazyDataset(self.path, replace(self.facts, columns=tuple(columns)), self._chosen)

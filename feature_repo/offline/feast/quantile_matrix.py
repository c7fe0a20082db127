"""A historical retrieval as XGBoost's QuantileDMatrix, a batch at a time.

XGBoost passes over the rows several times, so they are joined once to disk; of the float matrix
there is never more than one batch in memory, and XGBoost keeps one byte a value.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from feature_repo.offline.feast.retrieval_job import AisleRetrievalJob

ROWS_PER_BATCH = 1 << 16


class MatrixBatches(xgboost.DataIter):  # type: ignore[misc]
    """Rows of a table as float32 matrices, null as NaN, columns in the order given.

    Args:
        table: on disk or in memory.
        features: number or bool columns.
        label: column of what is to be learned.
        qid: column that tells rankings apart, sorted; None when rows stand alone.
        weight: column of weights.
    """

    def __init__(
        self,
        table: pa.Table,
        features: Sequence[str],
        label: str,
        qid: str | None = None,
        weight: str | None = None,
    ) -> None:
        self._table, self._features = table, list(features)
        self._others = {"label": label, "qid": qid, "weight": weight}
        self._bounds: Iterator[tuple[int, int]] = iter(())
        super().__init__()

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Give XGBoost the next batch; False when there is none."""
        bounds = next(self._bounds, None)
        if bounds is None:
            return False
        start, end = bounds
        batch = self._table.slice(start, end - start)
        others = {use: _numbers(batch.column(name)) for use, name in self._others.items() if name}
        input_data(data=_matrix(batch, self._features), feature_names=self._features, **others)
        return True

    def reset(self) -> None:
        """Begin again at the first row."""
        self._bounds = pairwise(self._cuts)

    @cached_property
    def _cuts(self) -> list[int]:
        """Where batches end: never inside a ranking, which XGBoost would take for two."""
        rows = self._table.num_rows
        starts = np.arange(rows)
        if self._others["qid"]:
            qids = _numbers(self._table[self._others["qid"]])
            starts = np.flatnonzero(np.diff(qids, prepend=qids[0] - 1))
        wanted = np.arange(0, rows, ROWS_PER_BATCH)
        cuts = starts[np.searchsorted(starts, wanted, side="right") - 1]
        return [*dict.fromkeys(cuts.tolist()), rows]


def quantile_matrix(
    job: AisleRetrievalJob,
    features: Sequence[str],
    *,
    label: str,
    qid: str | None = None,
    weight: str | None = None,
    **options: Any,
) -> xgboost.QuantileDMatrix:
    """Join, and quantise for training.

    Args:
        job: of a historical retrieval of this house's store; rows stay in the entities' order.
        features: columns of its answer, in the model's order.
        label: column of its answer; so `qid` and `weight`.
        qid: sorted.
        weight: of a row.
        options: of QuantileDMatrix, like max_bin and ref.
    """
    batches = MatrixBatches(job.to_disk(), features, label, qid, weight)
    return xgboost.QuantileDMatrix(batches, **options)


def _matrix(batch: pa.Table, features: Sequence[str]) -> npt.NDArray[np.float32]:
    matrix = np.empty((batch.num_rows, len(features)), dtype=np.float32)
    for place, name in enumerate(features):
        matrix[:, place] = _numbers(batch.column(name))
    return matrix


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if column.null_count:
        column = pc.cast(column, pa.float64(), safe=False)
    numbers: npt.NDArray[Any] = column.to_numpy()
    return numbers

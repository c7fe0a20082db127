"""Give a dataset's rows to XGBoost: quantized to fit trees on, as they are to measure trees on.

XGBoost passes over the rows to fit on several times; at most one batch of their float matrix is in
memory.  The bins of the values are stored in memory if they are small enough, else in files that
are read a few pages at a time.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.ranker.configuration import SEED
from training.ranker.trees import load_xgboost, threads

if TYPE_CHECKING:
    import xgboost

BYTES_A_VALUE = 7
"""Measured memory of a quantized value, where some values are missing."""

MOST_BYTES = 1 << 29
"""Rows that would take more memory than this are stored in files."""

_BYTES_A_FLOAT = 12
"""Memory of a value that is not quantized: the matrix and XGBoost's copy with column numbers."""

_Batch = tuple[slice, Matrix]


class FitRows:
    """Rows of several fits; each kind of rows is given to XGBoost once, when a fit first needs it.

    Attributes:
        data: rows to learn from, sorted by qid.
        validation: rows that stop a fit when they no longer improve; None where none does.
    """

    def __init__(self, data: Dataset, validation: Dataset | None = None) -> None:
        self.data, self.validation = data, validation

    @cached_property
    def every_slate(self) -> "xgboost.DMatrix":
        """Quantized rows of all slates."""
        return quantize(self.data)

    @cached_property
    def slates_with_gain(self) -> "xgboost.DMatrix":
        """Quantized rows of the slates with a gain."""
        some = self.data.with_gain()
        return self.every_slate if some.size == self.data.size else quantize(some)

    @cached_property
    def every_watched_slate(self) -> "xgboost.DMatrix | None":
        """Rows of the validation slates, in their order."""
        return self.validation and measured_rows(self.validation, self.every_slate)

    @cached_property
    def watched_slates_with_gain(self) -> "xgboost.DMatrix | None":
        """Rows of the validation slates with a gain, those of each slate in random order."""
        if self.validation is None:
            return None
        return measured_rows(shuffled(self.validation).with_gain(), self.slates_with_gain)


def shuffled(data: Dataset) -> Dataset:
    """Return the same slates with the rows of each in random order.

    Equal scores keep the order given.  In the displayed order a ranker with constant scores would
    look as good as the old one.
    """
    chance = np.random.default_rng(SEED).random(data.size)
    order = np.lexsort((chance, np.asarray(data.column("qid"))))
    return Dataset(data.facts, data.keys.take(pa.array(order)), data.matrix[order])


def quantize(
    data: Dataset, reference: "xgboost.DMatrix | None" = None, most_bytes: int = MOST_BYTES
) -> "xgboost.DMatrix":
    """Return rows to fit trees on, without the names of their columns (`grow`).

    Args:
        data: rows sorted by qid.
        reference: rows whose bins are used, for validation rows.
        most_bytes: memory beyond which the rows are stored in temporary files (in TMPDIR) until the
            result is no longer used.
    """
    xgboost = load_xgboost()
    options = {"ref": reference, "nthread": threads()}
    if data.size * len(data.facts.columns) * BYTES_A_VALUE <= most_bytes:
        return xgboost.QuantileDMatrix(_iterator(data), **options)
    folder = tempfile.TemporaryDirectory(prefix="aisle-rows-", ignore_cleanup_errors=True)
    rows = xgboost.ExtMemQuantileDMatrix(
        _iterator(data, cache_prefix=f"{folder.name}/bins"), **options
    )
    weakref.finalize(rows, folder.cleanup)
    return rows


def measured_rows(
    data: Dataset, fitted: "xgboost.DMatrix", most_bytes: int = MOST_BYTES
) -> "xgboost.DMatrix":
    """Return rows to measure trees on after each round; any storage gives the same scores.

    XGBoost scores floats ten times faster than bins, whose values it looks up.

    Args:
        data: rows sorted by qid.
        fitted: quantized rows that the trees are fitted on.
        most_bytes: memory beyond which the rows are quantized with the bins of `fitted`.
    """
    if data.size * len(data.facts.columns) * _BYTES_A_FLOAT > most_bytes:
        return quantize(data, fitted, most_bytes)
    return load_xgboost().DMatrix(
        np.concatenate([*data.batches()]),
        label=data.column("gain"),
        qid=data.column("qid"),
        nthread=threads(),
    )


def whole_slates(data: Dataset) -> Iterator[_Batch]:
    """Yield batches of whole slates; XGBoost would treat a divided slate as two."""
    qid, start = data.column("qid"), 0
    rest = np.empty((0, len(data.facts.columns)), dtype=np.float32)
    for batch in data.batches():
        rest = np.concatenate([rest, batch]) if rest.size else batch
        end = start + rest.shape[0]
        cut = end if end == qid.size else int(np.searchsorted(qid, qid[end]))
        if cut > start:
            yield slice(start, cut), rest[: cut - start]
            rest, start = rest[cut - start :], cut


def _iterator(data: Dataset, **cache: Any) -> "xgboost.DataIter":
    """Return the batches as an XGBoost iterator."""
    xgboost = load_xgboost()
    gain, qid = data.column("gain"), data.column("qid")

    class Batches(xgboost.DataIter):  # type: ignore[misc, name-defined]
        def reset(self) -> None:
            self.remaining = whole_slates(data)

        def next(self, input_data: Callable[..., Any]) -> bool:
            batch = next(self.remaining, None)
            if batch is None:
                return False
            rows, matrix = batch
            input_data(data=matrix, label=gain[rows], qid=qid[rows])
            return True

    return Batches(**cache)

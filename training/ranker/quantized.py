"""The rows of a dataset as XGBoost learns from them: quantized, a batch at a time.

XGBoost passes over the rows several times; of the float matrix there is never more than one batch
in memory.  What it keeps, a bin of each value, lies in memory where that is little and else in
files, of which it holds a few pages at a time.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.ranker.trees import load_xgboost, threads

if TYPE_CHECKING:
    import xgboost

BYTES_A_VALUE = 7
"""Of memory that a value takes in the trees' rows, where some are missing: measured."""

MOST_BYTES = 1 << 29
"""Rows that would take more memory than this lie in files."""

_Batch = tuple[slice, Matrix]


def quantize(
    data: Dataset, reference: "xgboost.DMatrix | None" = None, most_bytes: int = MOST_BYTES
) -> "xgboost.DMatrix":
    """Rows to fit trees on.

    Args:
        data: rows sorted by qid.
        reference: rows whose bins are used, for those that are only watched.
        most_bytes: of memory, beyond which the rows lie in files, in the folder for temporary
            ones (TMPDIR), until the result is no longer used.
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


def whole_slates(data: Dataset) -> Iterator[_Batch]:
    """The batches of a dataset, cut where slates begin; XGBoost takes a parted slate for two."""
    qid, begun = data.column("qid"), 0
    held = np.empty((0, len(data.facts.columns)), dtype=np.float32)
    for batch in data.batches():
        held = np.concatenate([held, batch]) if held.size else batch
        end = begun + held.shape[0]
        cut = end if end == qid.size else int(np.searchsorted(qid, qid[end]))
        if cut > begun:
            yield slice(begun, cut), held[: cut - begun]
            held, begun = held[cut - begun :], cut


def _iterator(data: Dataset, **cache: Any) -> "xgboost.DataIter":
    """The batches, as XGBoost asks for them."""
    xgboost = load_xgboost()
    gain, qid, names = data.column("gain"), data.column("qid"), list(data.facts.columns)

    class Batches(xgboost.DataIter):  # type: ignore[misc, name-defined]
        def reset(self) -> None:
            self.left = whole_slates(data)

        def next(self, input_data: Callable[..., Any]) -> bool:
            batch = next(self.left, None)
            if batch is None:
                return False
            rows, matrix = batch
            input_data(data=matrix, label=gain[rows], qid=qid[rows], feature_names=names)
            return True

    return Batches(**cache)

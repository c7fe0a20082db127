"""XGBoost, imported so that its threads sleep while they wait for each other, and asked directly.

By default they wait busily, which on cores that have other work made fitting seven times slower.
The policy is read when the library is loaded, so it is set here, before.
"""

import os
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from feature_repo.library_internals import predict_dense

if TYPE_CHECKING:
    import xgboost

Matrix = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]


def load_xgboost() -> ModuleType:
    """The library; slow the first time, so it is called where it is needed."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import xgboost

    library: ModuleType = xgboost
    return library


def threads() -> int:
    """Threads for fitting: `OMP_NUM_THREADS`, else the cores this process may use.

    Any number gives the same trees.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def scores_of(booster: "xgboost.Booster", matrix: Matrix) -> Scores:
    """Return what `booster.inplace_predict` returns of (N, F) numbers: shape (N,), read-only.

    Raises:
        XGBoostError: the trees read other columns.
    """
    return predict_dense(load_xgboost(), booster, np.ascontiguousarray(matrix, np.float32))

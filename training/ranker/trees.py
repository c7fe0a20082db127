"""Load XGBoost with sleeping threads, and call its prediction directly.

By default its threads wait busily for each other, which made fitting seven times slower on cores
with other work.  The library reads the policy when it is loaded, so this module sets it first.
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
    """Return the library; the first call is slow, so call it where it is needed."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import xgboost

    library: ModuleType = xgboost
    return library


def threads() -> int:
    """Return the threads for fitting: `OMP_NUM_THREADS`, else the cores this process may use.

    Any number gives the same trees.
    """
    setting = os.environ.get("OMP_NUM_THREADS", "")
    if setting.isdecimal() and int(setting):
        return int(setting)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def scores_of(booster: "xgboost.Booster", matrix: Matrix) -> Scores:
    """Return what `booster.inplace_predict` returns of (N, F) numbers: shape (N,), read-only.

    Raises:
        XGBoostError: the trees have other columns.
    """
    return predict_dense(load_xgboost(), booster, np.ascontiguousarray(matrix, np.float32))

"""XGBoost, imported so that its threads sleep while they wait for each other, and asked directly.

By default they wait busily, which on cores that have other work made fitting seven times slower.
The policy is read when the library is loaded, so it is set here, before.
"""

import ctypes
import json
import math
import os
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import xgboost

Matrix = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

_ASKED = json.dumps(
    {
        **{"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0},
        **{"missing": math.nan, "strict_shape": False, "cache_id": 0},
    }
).encode()
"""Values of all trees, as XGBoost's C interface is asked for them."""


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
    """Shape (N,): what `booster.inplace_predict` gives of (N, F) numbers; not to be written to.

    That looks for every kind of table first, which takes as long as the scores of fifty items.

    Raises:
        XGBoostError: the trees read other columns.
    """
    core, rows = load_xgboost().core, np.ascontiguousarray(matrix, np.float32)
    table = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}'
    shape, axes = ctypes.POINTER(core.c_bst_ulong)(), core.c_bst_ulong()
    found = ctypes.POINTER(ctypes.c_float)()
    core._check_call(
        core._LIB.XGBoosterPredictFromDense(
            booster.handle,
            table % (rows.ctypes.data, *rows.shape),
            _ASKED,
            None,
            ctypes.byref(shape),
            ctypes.byref(axes),
            ctypes.byref(found),
        )
    )
    return np.frombuffer(ctypes.string_at(found, 4 * len(rows)), np.float32)

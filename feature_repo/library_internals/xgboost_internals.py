"""Private names of XGBoost: its loaded C library and the check of its return codes."""

import ctypes
import json
import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import xgboost

_PREDICTION = json.dumps(
    {
        **{"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0},
        **{"missing": math.nan, "strict_shape": False, "cache_id": 0},
    }
).encode()
"""Configuration of the C interface: values of all trees."""

_TABLE = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}'


def predict_dense(
    library: ModuleType, booster: "xgboost.Booster", rows: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return what `booster.inplace_predict` returns, read-only, of shape (N,).

    `inplace_predict` first checks for every kind of table, which takes as long as scoring fifty
    items.

    Args:
        library: the `xgboost` module.
        booster: with one output.
        rows: shape (N, F), contiguous.

    Raises:
        XGBoostError: the trees read other columns.
    """
    core = library.core
    shape, dimensions = ctypes.POINTER(core.c_bst_ulong)(), core.c_bst_ulong()
    values = ctypes.POINTER(ctypes.c_float)()
    core._check_call(
        core._LIB.XGBoosterPredictFromDense(
            booster.handle,
            _TABLE % (rows.ctypes.data, *rows.shape),
            _PREDICTION,
            None,
            ctypes.byref(shape),
            ctypes.byref(dimensions),
            ctypes.byref(values),
        )
    )
    return np.frombuffer(ctypes.string_at(values, 4 * len(rows)), np.float32)

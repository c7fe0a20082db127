"""Load XGBoost with sleeping threads, grow and merge trees, and call its prediction directly.

By default its threads wait busily for each other, which made fitting seven times slower on cores
with other work.  The library reads the policy when it is loaded, so this module sets it first.
"""

import json
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.library_internals import predict_dense

if TYPE_CHECKING:
    import xgboost

Matrix = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

_LEAF = -1


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


def grow(
    parameters: Mapping[str, Any],
    rows: "xgboost.DMatrix",
    rounds: int,
    columns: Sequence[str],
    **options: Any,
) -> "xgboost.Booster":
    """Fit at most `rounds` trees on rows without column names, then name the columns.

    With names in the rows, XGBoost would read and compare all of them several times a round.

    Args:
        parameters, options: of `xgboost.train`.
        rows: quantized.
        rounds: number of trees.
        columns: names of the columns of `rows`.
    """
    booster = load_xgboost().train(parameters, rows, rounds, **options)
    booster.feature_names = list(columns)
    return booster


def early_stopping(watched: "xgboost.DMatrix | None", patience: int) -> dict[str, Any]:
    """Return options of `grow` that end a fit when the watched rows no longer improve.

    Args:
        watched: None fits all trees.
        patience: rounds without improvement.
    """
    if watched is None:
        return {}
    return {
        "evals": [(watched, "validate")],
        "early_stopping_rounds": patience,
        "verbose_eval": False,
    }


def scores_of(booster: "xgboost.Booster", matrix: Matrix) -> Scores:
    """Return what `booster.inplace_predict` returns of (N, F) numbers: shape (N,), read-only.

    Raises:
        XGBoostError: the trees have other columns.
    """
    return predict_dense(load_xgboost(), booster, np.ascontiguousarray(matrix, np.float32))


def merge_boosters(
    boosters: Sequence["xgboost.Booster"], weights: Sequence[float]
) -> "xgboost.Booster":
    """Return one booster with all trees; each leaf is multiplied by its booster's weight.

    Serving, explanations and storage then handle an ensemble like any other ranker.  The scores are
    the weighted sum except for a constant: the base score is the last booster's.
    """
    xgboost = load_xgboost()
    tables = [json.loads(booster.save_raw("json")) for booster in boosters]
    trees = [
        _scaled(tree, weight)
        for table, weight in zip(tables, weights, strict=True)
        for tree in _model(table)["trees"]
    ]
    model = _model(tables[-1])
    model["trees"] = [tree | {"id": number} for number, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    merged = xgboost.Booster()
    merged.load_model(bytearray(json.dumps(tables[-1]).encode()))
    return merged


def _model(table: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = table["learner"]["gradient_booster"]["model"]
    return model


def _scaled(tree: dict[str, Any], weight: float) -> dict[str, Any]:
    """XGBoost stores a leaf's value where other nodes have the value they split at."""
    leaves = [child == _LEAF for child in tree["left_children"]]
    values = tree["split_conditions"]
    return tree | {
        "split_conditions": [
            value * weight if leaf else value for value, leaf in zip(values, leaves, strict=True)
        ],
        "base_weights": [value * weight for value in tree["base_weights"]],
    }

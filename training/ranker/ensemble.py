"""Merge several boosters into one that returns the weighted sum of their scores.

Serving, explanations and storage then handle an ensemble like any other ranker.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training.ranker.trees import load_xgboost

if TYPE_CHECKING:
    import xgboost

_LEAF = -1


def merge_boosters(
    boosters: Sequence["xgboost.Booster"], weights: Sequence[float]
) -> "xgboost.Booster":
    """Return one booster with all trees; each leaf is multiplied by its booster's weight.

    The scores are the weighted sum except for a constant: the base score is the last booster's.
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

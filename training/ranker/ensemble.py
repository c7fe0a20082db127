"""Several rankers' trees as those of one, whose score is the weighted sum of theirs.

What serves, explains and stores one ranker then needs to know nothing of where its trees are from.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training.ranker.trees import load_xgboost

if TYPE_CHECKING:
    import xgboost

_LEAF = -1


def blended(boosters: Sequence["xgboost.Booster"], weights: Sequence[float]) -> "xgboost.Booster":
    """One booster with all trees, each leaf times its booster's weight.

    Scores are the weighted sum but for a constant: the base score is the last booster's.
    """
    xgboost = load_xgboost()
    tables = [json.loads(booster.save_raw("json")) for booster in boosters]
    trees = [
        _scaled(tree, weight)
        for table, weight in zip(tables, weights, strict=True)
        for tree in _model(table)["trees"]
    ]
    model = _model(tables[-1])
    model["trees"] = [tree | {"id": place} for place, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    whole = xgboost.Booster()
    whole.load_model(bytearray(json.dumps(tables[-1]).encode()))
    return whole


def _model(table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = table["learner"]["gradient_booster"]["model"]
    return found


def _scaled(tree: dict[str, Any], weight: float) -> dict[str, Any]:
    """XGBoost keeps the value of a leaf where other nodes have the value they split at."""
    leaves = [left == _LEAF for left in tree["left_children"]]
    values = tree["split_conditions"]
    return tree | {
        "split_conditions": [
            value * weight if leaf else value for value, leaf in zip(values, leaves, strict=True)
        ],
        "base_weights": [value * weight for value in tree["base_weights"]],
    }

"""The few configurations of trees that validation chooses between."""

import os
from dataclasses import dataclass
from typing import Any

SEED = 7
MOST_ROUNDS = 600
PATIENCE = 40


@dataclass(frozen=True)
class Configuration:
    """What may differ between trials; all else is fixed below."""

    max_depth: int
    learning_rate: float
    columns_per_tree: float
    min_child_weight: float

    def parameters(self) -> dict[str, Any]:
        """XGBoost's parameters.

        Gain is linear in objective and metric alike; a slate without gain counts as 0, and none is
        given to the trees.
        """
        return {
            "objective": "rank:ndcg",
            "ndcg_exp_gain": False,
            "lambdarank_pair_method": "topk",
            "lambdarank_num_pair_per_sample": 24,
            "eval_metric": "ndcg@10-",
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "colsample_bytree": self.columns_per_tree,
            "min_child_weight": self.min_child_weight,
            "subsample": 0.8,
            "reg_lambda": 5.0,
            "seed": SEED,
            "nthread": threads(),
        }


def threads() -> int:
    """Threads for fitting: all cores but one.

    Threads of a team wait for each other busily, so one core too many makes it many times slower.
    """
    return max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else 1


GRID = (
    Configuration(3, 0.1, 0.5, 10.0),
    Configuration(4, 0.1, 0.3, 20.0),
    Configuration(6, 0.06, 0.3, 20.0),
)

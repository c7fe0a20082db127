"""Configurations of the trees, for selection on the validation split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.ranker.feature_groups import monotone_constraints
from training.ranker.trees import threads

SEED = 7
MOST_ROUNDS = 600
PATIENCE = 25


@dataclass(frozen=True)
class Configuration:
    """Parameters that differ between trials; the functions below fix all others.

    `monotone` constrains the trees (`monotone_constraints`).
    """

    max_depth: int
    learning_rate: float
    columns_per_tree: float
    min_child_weight: float
    most_rounds: int = MOST_ROUNDS
    monotone: bool = False
    seed: int = SEED

    def ranking_parameters(self, columns: Sequence[str]) -> dict[str, Any]:
        """Return XGBoost's parameters for learning to rank.

        Gain is linear in objective and metric.  A slate without gain has NDCG 0, and the trees do
        not learn from it.
        """
        return {
            **self.tree_parameters(columns),
            "objective": "rank:ndcg",
            "ndcg_exp_gain": False,
            "lambdarank_pair_method": "topk",
            "lambdarank_num_pair_per_sample": 24,
            "eval_metric": "ndcg@10-",
        }

    def tree_parameters(self, columns: Sequence[str]) -> dict[str, Any]:
        """Return XGBoost's parameters for growing trees, for any objective."""
        return {
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "colsample_bytree": self.columns_per_tree,
            "min_child_weight": self.min_child_weight,
            "subsample": 0.8,
            "reg_lambda": 5.0,
            "seed": self.seed,
            "nthread": threads(),
            "monotone_constraints": monotone_constraints(columns) if self.monotone else (),
        }


GRID: tuple[Configuration, ...] = (
    Configuration(3, 0.1, 0.5, 10.0),
    Configuration(4, 0.1, 0.3, 20.0),
    Configuration(6, 0.06, 0.3, 20.0),
)

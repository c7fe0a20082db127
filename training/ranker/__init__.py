"""XGBoost rankers: variants, selection on validation, calibration and held-out scores."""

from training.ranker.baselines import BASELINES, RATE, SHOWN, baselines_of, reference_of
from training.ranker.calibration import Calibration
from training.ranker.click_model import Bools
from training.ranker.configuration import GRID, SEED, Configuration
from training.ranker.feature_groups import group_features, is_user_feature
from training.ranker.fitting import (
    Training,
    Trial,
    best_of,
    choose_and_fit,
    fit_contenders,
    refit,
    train,
)
from training.ranker.held_out import HELD_OUT, HeldOut, over_examination
from training.ranker.quantized import FitRows, measured_rows, quantize
from training.ranker.ranker import MODEL, TRAINING, Ranker, Scores
from training.ranker.search import search_dataset
from training.ranker.shoppers import instants_of, users_of
from training.ranker.trees import early_stopping, grow, merge_boosters, threads
from training.ranker.variants import NAIVE, PARALLEL, Fitted, fit, in_random_order

__all__ = [
    "BASELINES",
    "GRID",
    "HELD_OUT",
    "MODEL",
    "NAIVE",
    "PARALLEL",
    "RATE",
    "SEED",
    "SHOWN",
    "TRAINING",
    "Bools",
    "Calibration",
    "Configuration",
    "FitRows",
    "Fitted",
    "HeldOut",
    "Ranker",
    "Scores",
    "Training",
    "Trial",
    "baselines_of",
    "best_of",
    "choose_and_fit",
    "early_stopping",
    "fit",
    "fit_contenders",
    "group_features",
    "grow",
    "in_random_order",
    "instants_of",
    "is_user_feature",
    "measured_rows",
    "merge_boosters",
    "over_examination",
    "quantize",
    "reference_of",
    "refit",
    "search_dataset",
    "threads",
    "train",
    "users_of",
]

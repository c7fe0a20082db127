"""XGBoost rankers: variants, selection on validation, calibration and the gate."""

from training.ranker.baselines import BASELINES, RATE
from training.ranker.click_model import Bools
from training.ranker.configuration import Configuration
from training.ranker.contenders import NAIVE, Fitted, fit
from training.ranker.feature_groups import families, is_of_the_user
from training.ranker.fitting import Training, Trial, best_of, choose_and_fit, refit
from training.ranker.gate import users_of
from training.ranker.quantized import quantised
from training.ranker.ranker import MODEL, TRAINING, Ranker, Scores, train
from training.ranker.trees import load_xgboost, threads

__all__ = [
    "BASELINES",
    "MODEL",
    "NAIVE",
    "RATE",
    "TRAINING",
    "Bools",
    "Configuration",
    "Fitted",
    "Ranker",
    "Scores",
    "Training",
    "Trial",
    "best_of",
    "choose_and_fit",
    "families",
    "fit",
    "is_of_the_user",
    "load_xgboost",
    "quantised",
    "refit",
    "threads",
    "train",
    "users_of",
]

"""Rankers compared with the true relevance of simulated shops."""

from training.studies.truth import grid, personalization, report
from training.studies.truth.cell import (
    CONFIGURATIONS,
    config_of,
    examination_error,
    fit_on_true_gains,
    mean_ndcg,
    request_ndcg,
)
from training.studies.truth.grid import Cell, ShopSize
from training.studies.truth.log import simulated_log

__all__ = [
    "CONFIGURATIONS",
    "Cell",
    "ShopSize",
    "config_of",
    "examination_error",
    "fit_on_true_gains",
    "grid",
    "mean_ndcg",
    "personalization",
    "report",
    "request_ndcg",
    "simulated_log",
]

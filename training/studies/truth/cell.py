"""Evaluate the naive, chosen and ideal ranker of one simulated shop by true relevance.

A ranker's value is its NDCG@10 over all candidates of fresh requests.  The gain is the attraction,
the true probability of a click if examined, so 1 is the true order.  The ideal ranker has the
features, rows and trees of the naive one, but is fitted on the attraction instead of clicks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from training.dataset import TRAIN, VALIDATE, Dataset
from training.metrics import Floats, ndcg
from training.ranker import (
    NAIVE,
    Configuration,
    FitRows,
    Fitted,
    Training,
    best_of,
    choose_and_fit,
    fit,
    refit,
)
from training.studies.simulation import ShopConfig
from training.studies.truth.grid import Cell, ShopSize
from training.studies.truth.log import Fresh, SimulatedLog, simulated_log

CONFIGURATIONS = (Configuration(4, 0.15, 0.5, 20.0, most_rounds=80),)
"""The trees of all rankers of a cell: the rankers differ only in their objective."""


@dataclass(frozen=True)
class Result:
    """The results of a shop of one seed.

    Attributes:
        contender: name of the chosen variant.
        naive, chosen, ideal: values of the rankers.
        examination_error: largest error of the learned examination curve over its positions.
    """

    seed: int
    contender: str
    naive: float
    chosen: float
    ideal: float
    examination_error: float


def run(cell: Cell, size: ShopSize, seed: int) -> Result:
    """Simulate a shop, fit the rankers and evaluate them."""
    log = simulated_log(config_of(cell, size, seed), size.days, size.fresh_slates)
    ranker, training = choose_and_fit(log.data, grid=CONFIGURATIONS)
    naive, ideal = _naive(log, training), fit_on_true_gains(log)
    return Result(
        seed=seed,
        contender=training.selection.variant,
        naive=mean_ndcg(naive.scores_of(log.fresh.matrix), log.fresh),
        chosen=mean_ndcg(ranker.apply(log.fresh.matrix), log.fresh),
        ideal=mean_ndcg(ideal.scores_of(log.fresh.matrix), log.fresh),
        examination_error=examination_error(log, training.examination["all"]),
    )


def config_of(cell: Cell, size: ShopSize, seed: int) -> ShopConfig:
    """Return the configuration of a shop of a cell."""
    return ShopConfig(
        users=size.users,
        items=size.items,
        seed=seed,
        rankings_per_user_day=size.impressions / size.slate / size.users / size.days,
        slate=(size.slate, size.slate),
        policy=cell.logging_ranker,
        randomized_share=size.randomized_share,
        randomized_temperature=size.temperature,
        click_model=cell.click_model,  # type: ignore[arg-type]
        bias=cell.bias_strength,
    )


def fit_on_true_gains(log: SimulatedLog) -> Fitted:
    """Fit the ideal ranker: the naive variant on the true attraction.

    Like the others it gets its number of trees on the validation split, and learns from both.
    """
    keys = log.data.keys
    column = keys.column_names.index("gain")
    gain = pa.array(log.attraction.astype(np.float32))
    data = Dataset(log.data.facts, keys.set_column(column, "gain", gain), log.data.matrix)
    rows = FitRows(data.part(TRAIN), data.part(VALIDATE))
    stopped = fit(NAIVE, CONFIGURATIONS[0], rows)
    return fit(NAIVE, CONFIGURATIONS[0], FitRows(data), rounds=stopped.rounds)


def request_ndcg(scores: Any, fresh: Fresh) -> Floats:
    """Return the NDCG@10 of each fresh request by true attraction, shape (R,)."""
    present = ~np.isnan(fresh.attraction)
    request = np.nonzero(present)[0]
    return ndcg(np.reshape(scores, present.shape)[present], fresh.attraction[present], request)


def mean_ndcg(scores: Any, fresh: Fresh) -> float:
    """Return the mean of `request_ndcg`."""
    return float(request_ndcg(scores, fresh).mean())


def examination_error(log: SimulatedLog, curve: list[float]) -> float:
    """Return the largest difference between a learned examination curve and the true one."""
    position = log.data.column("position")
    true = [log.examination[position == k + 1].mean() for k in range(len(curve))]
    return float(np.abs(np.array(curve) - true).max())


def _naive(log: SimulatedLog, training: Training) -> Fitted:
    """Fit the naive variant on all rows, like the chosen one."""
    return refit(best_of(training.trials, NAIVE), log.data)

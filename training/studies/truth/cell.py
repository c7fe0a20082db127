"""One shop of the grid: naive, chosen and ideal ranker, judged by what is truly wanted.

A ranker's value is the NDCG@10 of its order of all candidates of fresh requests, with the true
probability of a click once examined as the gain; 1 is the true order.  The ideal ranker is the
naive one, with the same features, rows and trees, taught the true probability instead of clicks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from training.dataset import Dataset
from training.metrics import Floats, ndcg
from training.ranker import (
    NAIVE,
    Configuration,
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
"""One configuration of the trees for all rankers of a cell: they differ in what they are taught."""


@dataclass(frozen=True)
class Result:
    """What a shop of one seed showed.

    Attributes:
        contender: which one was chosen.
        naive, chosen, ideal: values.
        examination_error: of the learned curve, the largest of its positions.
    """

    seed: int
    contender: str
    naive: float
    chosen: float
    ideal: float
    examination_error: float


def run(cell: Cell, size: ShopSize, seed: int) -> Result:
    """Simulate, fit, judge."""
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
    """The shop of a cell."""
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
    """The naive ranker, had it been told what was wanted."""
    keys = log.data.keys
    place = keys.column_names.index("gain")
    truth = pa.array(log.attraction.astype(np.float32))
    told = Dataset(log.data.facts, keys.set_column(place, "gain", truth), log.data.matrix)
    return fit(NAIVE, CONFIGURATIONS[0], told)


def request_ndcg(scores: Any, fresh: Fresh) -> Floats:
    """Shape (R,): NDCG@10 of each fresh request, by what is truly wanted."""
    there = ~np.isnan(fresh.attraction)
    request = np.nonzero(there)[0]
    return ndcg(np.reshape(scores, there.shape)[there], fresh.attraction[there], request)


def mean_ndcg(scores: Any, fresh: Fresh) -> float:
    """The mean of `request_ndcg`."""
    return float(request_ndcg(scores, fresh).mean())


def examination_error(log: SimulatedLog, curve: list[float]) -> float:
    """The largest difference of a learned examination curve to the true one."""
    position = log.data.column("position")
    true = [log.examination[position == place + 1].mean() for place in range(len(curve))]
    return float(np.abs(np.array(curve) - true).max())


def _naive(log: SimulatedLog, training: Training) -> Fitted:
    """The naive contender, fitted on all rows as the chosen one is."""
    return refit(best_of(training.trials, NAIVE), log.data)

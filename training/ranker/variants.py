"""The variants for one ranker: the same trees, four ideas of what a click says.

naive     What was clicked was wanted, what was not was not (`rank:ndcg`).
unbiased  As naive, with the pairs of a slate weighted by how likely their positions are examined,
          learned along (`lambdarank_unbiased`; Hu, Wang, Peng and Li, WWW 2019).
examined  Clicks come from examination times relevance, both learned
          (`training.ranker.click_objective`).
blended   The sum of naive and examined, each divided by how far it sets the items of a slate apart.
          The one errs by the old ranker's habits, the other by chance; neither shares the other's
          errors, so the sum is nearer to the truth than both where clicks are few.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.ranker.click_model import Bools, Floats, Shown
from training.ranker.click_objective import ExaminedClicks
from training.ranker.configuration import PATIENCE, SEED, Configuration
from training.ranker.ensemble import blended
from training.ranker.quantized import quantize
from training.ranker.trees import load_xgboost

if TYPE_CHECKING:
    import xgboost

NAIVE, UNBIASED, EXAMINED, BLENDED = "naive", "unbiased", "examined", "blended"
FITTED = (NAIVE, UNBIASED, EXAMINED)
VARIANTS = (*FITTED, BLENDED)

_LOSS = "loss"
_FLAT = 1e-9
_LEAST_CLICK_WORTH = 1.0


@dataclass(frozen=True)
class Fitted:
    """A variant after fitting.

    Attributes:
        rounds: trees it keeps.
        objective: of the examined variant, which knows what a score says of relevance.
        bias: shape (K,), examination by position as `lambdarank_unbiased` learned it.
    """

    variant: str
    booster: "xgboost.Booster"
    rounds: int
    objective: ExaminedClicks | None = None
    bias: Floats | None = None

    def scores(self, data: Dataset) -> Floats:
        """Shape (R,): higher is better."""
        return np.concatenate([self.scores_of(batch) for batch in data.batches()])

    def scores_of(self, matrix: Matrix) -> Floats:
        """Shape (R,): of the rows of a matrix."""
        scores: Floats = self.booster.inplace_predict(
            matrix, iteration_range=(0, self.rounds), validate_features=False
        )
        return scores


def fit(
    variant: str,
    configuration: Configuration,
    data: Dataset,
    *,
    rounds: int | None = None,
    checked: Dataset | None = None,
) -> Fitted:
    """Fit a variant: so many trees, or as many as it takes until the rows to check gain no more.

    The most are the configuration's.
    """
    rounds = rounds or configuration.most_rounds
    if variant == EXAMINED:
        return _fit_examined(configuration, data, rounds, checked)
    return _fit_ranking(variant, configuration, data, rounds, checked)


def blend(naive: Fitted, examined: Fitted, data: Dataset) -> Fitted:
    """The blended variant of two that were fitted on `data`, as one booster."""
    parts = (naive, examined)
    boosters = [one.booster[: one.rounds] for one in parts]
    weights = [1 / _spread(one.scores(data), data.column("qid")) for one in parts]
    return Fitted(BLENDED, blended(boosters, weights), sum(one.rounds for one in parts))


def shown_of(data: Dataset) -> Shown:
    """A dataset's rows, as far as examination is concerned."""
    return Shown.of(data.column("gain") > 0, data.column("position"), data.column("qid"))


def shuffled(data: Dataset) -> Dataset:
    """The same slates in no order.

    Equal scores keep the order given, and in the order displayed a ranker that knows nothing would
    look as good as the old one.
    """
    chance = np.random.default_rng(SEED).random(data.size)
    order = np.lexsort((chance, np.asarray(data.column("qid"))))
    return Dataset(data.facts, data.keys.take(pa.array(order)), data.matrix[order])


def wanted(data: Dataset) -> Bools:
    """Shape (R,): whether the row's slate has a gain."""
    qid, gain = data.column("qid"), data.column("gain")
    return np.isin(qid, np.unique(qid[gain > 0]))


def _spread(scores: Floats, qid: npt.NDArray[np.int64]) -> float:
    """Standard deviation of scores within a slate; 1 where they set nothing apart."""
    slate = np.unique(qid, return_inverse=True)[1]
    means = np.bincount(slate, scores) / np.bincount(slate)
    spread = float(np.sqrt(np.square(scores - means[slate]).mean()))
    return spread if spread > _FLAT else 1.0


def _fit_ranking(
    variant: str,
    configuration: Configuration,
    data: Dataset,
    rounds: int,
    checked: Dataset | None,
) -> Fitted:
    xgboost = load_xgboost()

    parameters = configuration.ranking_parameters(data.facts.columns) | {
        "lambdarank_unbiased": variant == UNBIASED
    }
    rows = quantize(data.with_gain())
    booster = xgboost.train(
        parameters,
        rows,
        rounds,
        **_until(checked and quantize(shuffled(checked).with_gain(), rows)),
    )
    return Fitted(variant, booster, _kept(booster, checked), bias=_bias(booster))


def _fit_examined(
    configuration: Configuration, data: Dataset, rounds: int, checked: Dataset | None
) -> Fitted:
    xgboost = load_xgboost()

    gain = data.column("gain").astype(np.float64)
    least = gain[gain > 0].min(initial=np.inf)
    objective = ExaminedClicks(shown_of(data), gain / min(least, _LEAST_CLICK_WORTH))
    parameters = configuration.tree_parameters(data.facts.columns) | {
        "base_score": objective.base_score,
        "disable_default_eval_metric": True,
    }
    rows = quantize(data)
    until = _until(checked and quantize(checked, rows))
    if checked is not None:
        unseen = shown_of(checked)
        until["custom_metric"] = lambda margin, _: (_LOSS, objective.loss(unseen, margin))
    booster = xgboost.train(parameters, rows, rounds, obj=objective.gradient, **until)
    return Fitted(EXAMINED, booster, _kept(booster, checked), objective)


def _until(unseen: "xgboost.DMatrix | None") -> dict[str, Any]:
    """Arguments that end the training when the rows unseen stop gaining."""
    if unseen is None:
        return {}
    stop = {"early_stopping_rounds": PATIENCE, "verbose_eval": False}
    return {"evals": [(unseen, "validate")], **stop}


def _kept(booster: "xgboost.Booster", checked: Dataset | None) -> int:
    return int(booster.num_boosted_rounds() if checked is None else booster.best_iteration + 1)


def _bias(booster: "xgboost.Booster") -> Floats | None:
    """The click propensities `ti+` that an unbiased booster keeps in its configuration."""
    found = json.loads(booster.save_config())["learner"]["objective"].get("ti+")
    return None if found is None else np.trim_zeros(np.array(found, dtype=np.float64), "b")

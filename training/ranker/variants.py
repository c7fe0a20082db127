"""The variants of a ranker: the same trees with different assumptions about clicks.

`VARIANTS` declares each of them once; training, selection and refitting go through it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.request_features import Matrix
from training.dataset import Dataset
from training.metrics import ndcg
from training.ranker.click_model import Bools, Floats, Shown
from training.ranker.click_objective import ExaminedClicks
from training.ranker.configuration import PATIENCE, Configuration
from training.ranker.quantized import FitRows, shuffled
from training.ranker.trees import early_stopping, grow, merge_boosters

if TYPE_CHECKING:
    import xgboost

_LOSS = "loss"
_FLAT = 1e-9
_LEAST_CLICK_GAIN = 1.0


@dataclass(frozen=True)
class Fitted:
    """A variant after fitting.

    Attributes:
        variant: its name.
        rounds: number of trees that are used.
        objective: of the variant that learns examination; it turns scores into relevance.
    """

    variant: str
    booster: "xgboost.Booster"
    rounds: int
    objective: ExaminedClicks | None = None

    def scores(self, data: Dataset) -> Floats:
        """Return the scores of a dataset's rows, shape (R,); higher is better."""
        return np.concatenate([self.scores_of(batch) for batch in data.batches()])

    def scores_of(self, matrix: Matrix) -> Floats:
        """Return the scores of a matrix's rows, shape (R,)."""
        scores: Floats = self.booster.inplace_predict(
            matrix, iteration_range=(0, self.rounds), validate_features=False
        )
        return scores


Fit = Callable[[str, Configuration, FitRows, int], Fitted]


@dataclass(frozen=True)
class Variant:
    """The declaration of a variant.  It is either fitted itself or the sum of others.

    Attributes:
        name: stored in `training.json`.
        meaning: its interpretation of a click, in one line.
        fit: fits it; None for a sum.
        parts: of a sum, the variants whose scores are added; they are declared before it.
        tries_grid: whether it is fitted with every configuration; the others get the best of them.
        beats_on_validation: whether the validation split suffices to prefer it to the default
            variant.  That split's order is biased towards the old ranker.
    """

    name: str
    meaning: str
    fit: Fit | None = None
    parts: tuple[str, ...] = ()
    tries_grid: bool = False
    beats_on_validation: bool = False


def fit(
    variant: str, configuration: Configuration, rows: FitRows, *, rounds: int | None = None
) -> Fitted:
    """Fit a variant that is not a sum.

    Args:
        variant: its name.
        configuration: of the trees.
        rows: to learn from; their validation rows end the fit when they no longer improve.
        rounds: number of trees; the configuration's maximum where absent.
    """
    function = VARIANTS[variant].fit
    if function is None:
        raise ValueError(f"{variant} is a sum of variants; fit its parts and sum them.")
    return function(variant, configuration, rows, rounds or configuration.most_rounds)


def sum_of(variant: str, fitted: Mapping[str, Fitted], data: Dataset) -> Fitted:
    """Return a sum as one booster; each part is divided by its spread within a slate of `data`."""
    parts = [fitted[name] for name in VARIANTS[variant].parts]
    boosters = [part.booster[: part.rounds] for part in parts]
    weights = [1 / _spread(part.scores(data), data.column("qid")) for part in parts]
    rounds = sum(part.rounds for part in parts)
    return Fitted(variant, merge_boosters(boosters, weights), rounds)


def shown_of(data: Dataset) -> Shown:
    """Return the clicks and positions of a dataset's rows."""
    return Shown.of(data.column("gain") > 0, data.column("position"), data.column("qid"))


def in_random_order(data: Dataset, seed: int) -> Dataset:
    """Return the same slates in another order, the rows of each as displayed; all in memory."""
    qid = np.asarray(data.column("qid"))
    _, slate = np.unique(qid, return_inverse=True)
    number = np.random.default_rng(seed).permutation(int(slate.max(initial=-1)) + 1)[slate]
    order = np.argsort(number, kind="stable")
    keys = data.keys.take(pa.array(order))
    keys = keys.set_column(keys.column_names.index("qid"), "qid", pa.array(number[order]))
    return Dataset(data.facts, keys, data.matrix[order])


def examined_clicks(data: Dataset) -> ExaminedClicks:
    """Return the objective of a dataset's clicks, before it has learned any examination."""
    gain = data.column("gain").astype(np.float64)
    least = gain[gain > 0].min(initial=np.inf)
    return ExaminedClicks(shown_of(data), gain / min(least, _LEAST_CLICK_GAIN))


def with_gain(data: Dataset) -> Bools:
    """Shape (R,): whether the row's slate has a gain."""
    qid, gain = data.column("qid"), data.column("gain")
    return np.isin(qid, np.unique(qid[gain > 0]))


def validation_ndcg(fitted: Fitted, validation: Dataset) -> float:
    """Return the mean NDCG@10 on slates that the variant has not learned from."""
    data = shuffled(validation)
    return float(np.nanmean(ndcg(fitted.scores(data), data.column("gain"), data.column("qid"))))


def _spread(scores: Floats, qid: npt.NDArray[np.int64]) -> float:
    """Return the standard deviation of scores within a slate; 1 where all are equal."""
    slate = np.unique(qid, return_inverse=True)[1]
    means = np.bincount(slate, scores) / np.bincount(slate)
    spread = float(np.sqrt(np.square(scores - means[slate]).mean()))
    return spread if spread > _FLAT else 1.0


def _fit_ranking(
    variant: str,
    configuration: Configuration,
    rows: FitRows,
    rounds: int,
    *,
    unbiased: bool = False,
) -> Fitted:
    columns = rows.data.facts.columns
    parameters = configuration.ranking_parameters(columns) | {"lambdarank_unbiased": unbiased}
    options = early_stopping(rows.watched_slates_with_gain, PATIENCE)
    booster = grow(parameters, rows.slates_with_gain, rounds, columns, **options)
    return Fitted(variant, booster, _used_rounds(booster, rows.validation))


def _fit_unbiased(variant: str, configuration: Configuration, rows: FitRows, rounds: int) -> Fitted:
    return _fit_ranking(variant, configuration, rows, rounds, unbiased=True)


def _fit_examined(variant: str, configuration: Configuration, rows: FitRows, rounds: int) -> Fitted:
    columns, objective = rows.data.facts.columns, examined_clicks(rows.data)
    parameters = configuration.tree_parameters(columns) | {
        "base_score": objective.base_score,
        "disable_default_eval_metric": True,
    }
    options = early_stopping(rows.every_watched_slate, PATIENCE)
    if rows.validation is not None:
        unseen = shown_of(rows.validation)
        options["custom_metric"] = lambda margin, _: (_LOSS, objective.loss(unseen, margin))
    options["obj"] = objective.gradient
    booster = grow(parameters, rows.every_slate, rounds, columns, **options)
    return Fitted(variant, booster, _used_rounds(booster, rows.validation), objective)


def _used_rounds(booster: "xgboost.Booster", validation: Dataset | None) -> int:
    return int(booster.num_boosted_rounds() if validation is None else booster.best_iteration + 1)


NAIVE, UNBIASED, EXAMINED, BLENDED = "naive", "unbiased", "examined", "blended"

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            NAIVE,
            "a clicked item is relevant, any other is not (`rank:ndcg`)",
            _fit_ranking,
            tries_grid=True,
            beats_on_validation=True,
        ),
        Variant(
            UNBIASED,
            "as naive; pairs are weighted by how likely their positions are examined, learned "
            "along (`lambdarank_unbiased`; Hu, Wang, Peng and Li, WWW 2019)",
            _fit_unbiased,
        ),
        Variant(
            EXAMINED,
            "examination times relevance, both learned (`training.ranker.click_objective`)",
            _fit_examined,
        ),
        Variant(
            BLENDED,
            "the sum of naive and examined: one errs by the old ranker's habits, the other by "
            "chance, so the sum is nearer to the truth where clicks are few",
            parts=(NAIVE, EXAMINED),
        ),
    )
}
"""Name → declaration, in the order of fitting."""

PARALLEL = tuple(name for name, one in VARIANTS.items() if one.fit and not one.tries_grid)
"""The variants that are fitted with the best configuration, independently of each other."""

CLICK_MODEL = EXAMINED
"""The variant whose examination weighs the gains when variants are compared."""

DEFAULT = BLENDED
"""The variant that becomes the ranker unless another is clearly better."""

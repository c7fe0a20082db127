"""Select the variant that becomes the ranker.

Variants are compared by how well their scores explain which item of a slate got the gain, where an
item's probability is proportional to relevance times examination.  That is a softmax over the slate
of a * score + log(examination).  The click model gives the examination; a, the only number fitted
here, puts all variants on one scale.  No gain is divided by a small probability, as in inverse
propensity weighting, so few slates suffice.

The default variant is the ranker unless another is clearly better, with 95 % confidence: it errs
least where clicks are few, and chance must not decide against it.  The slates compared are those in
random order, which no variant has learned from, where the log has enough of them.  Otherwise the
validation split is used, whose order is biased towards the old ranker; there only variants that
declare `beats_on_validation` can replace the default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.dataset import Dataset
from training.metrics import Interval, exp, log, mean_interval, ndcg, slate_starts
from training.ranker.click_model import Floats, Ints
from training.ranker.held_out import over_examination
from training.ranker.shoppers import users_of
from training.ranker.variants import CLICK_MODEL, DEFAULT, VARIANTS, Fitted, shown_of

OUTCOMES = ("clicked", "carted", "ordered")
RANDOMIZED, VALIDATION = "randomized slice", "validation split"
FEWEST_SLATES = 100
"""Randomized slates with a gain; with fewer the validation split is used."""
_STEEPEST, _FLAT = 20.0, 1e-9
"""Limits of the scale a, for scores with standard deviation 1, and of that deviation."""


@dataclass(frozen=True)
class Selection:
    """The selected variant, and the comparison behind it.

    Attributes:
        compared_on: the randomized slice or the validation split.
        slates: number of its slates with a gain.
        values: variant → log likelihood of a gain minus the same with examination alone, mean of
            the slates.
        differences: variant → difference to the default one, paired.
    """

    variant: str
    compared_on: str
    slates: int
    values: dict[str, float]
    differences: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "contender": self.variant,
            "judged_on": self.compared_on,
            "slates": self.slates,
            "values": self.values,
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def select(fitted: Mapping[str, Fitted], data: Dataset, compared_on: str) -> Selection:
    """Select on the slates of `data`, which the variants have not learned from."""
    data = data.with_gain()
    values = {name: _values(one, fitted[CLICK_MODEL], data) for name, one in fitted.items()}
    users = users_of(data)
    means = {name: float(value.mean()) for name, value in values.items()}
    differences = {
        name: mean_interval(value - values[DEFAULT], users)
        for name, value in values.items()
        if name != DEFAULT
    }
    clearly_better = [
        name
        for name, difference in differences.items()
        if difference.low > 0 and (compared_on == RANDOMIZED or VARIANTS[name].beats_on_validation)
    ]
    return Selection(
        variant=max(clearly_better, key=lambda name: means[name], default=DEFAULT),
        compared_on=compared_on,
        slates=values[DEFAULT].size,
        values=means,
        differences=differences,
    )


def outcomes_of(fitted: Mapping[str, Fitted], data: Dataset) -> dict[str, dict[str, float]]:
    """Return variant → outcome → ndcg@10, each outcome counting 1 over its examination.

    Empty if the dataset does not distinguish outcomes; NaN for an outcome that never happened.
    """
    present = [name for name in OUTCOMES if name in data.keys.column_names]
    weight, qid = over_examination(1.0, examined_of(fitted[CLICK_MODEL], data)), data.column("qid")
    table: dict[str, dict[str, float]] = {}
    for variant, one in fitted.items():
        scores = one.scores(data)
        table[variant] = {
            name: _mean(ndcg(scores, weight * data.column(name).astype(float), qid))
            for name in present
        }
    return table


def examined_of(click_model: Fitted, data: Dataset) -> Floats:
    """Return the probability that each row was examined, shape (R,)."""
    assert click_model.objective is not None
    return click_model.objective.examination.of(shown_of(data))


def _mean(values: Floats) -> float:
    numbers = values[~np.isnan(values)]
    return float(numbers.mean()) if numbers.size else float("nan")


def _values(fitted: Fitted, click_model: Fitted, data: Dataset) -> Floats:
    """Shape (Q,): log likelihood of a slate's gains with the scores minus the same without them."""
    from scipy.optimize import minimize_scalar

    offset = log(examined_of(click_model, data))
    scores, gain = fitted.scores(data).astype(np.float64), data.column("gain").astype(np.float64)
    scores = (scores - scores.mean()) / max(float(scores.std()), _FLAT)
    starts = slate_starts(data.column("qid"))

    def likelihood(scale: float) -> Floats:
        return _log_likelihood(scale * scores + offset, gain, starts)

    best = minimize_scalar(lambda scale: -likelihood(scale).mean(), bounds=(0.0, _STEEPEST))
    return likelihood(float(best.x)) - likelihood(0.0)


def _log_likelihood(utility: Floats, gain: Floats, starts: Ints) -> Floats:
    """Shape (Q,): mean log softmax of each slate's items, weighted by gain."""
    sizes = np.diff(np.r_[starts, utility.size])
    shifted = utility - np.repeat(np.maximum.reduceat(utility, starts), sizes)
    total = np.repeat(log(np.add.reduceat(exp(shifted), starts)), sizes)
    weighted = np.add.reduceat(gain * (shifted - total), starts)
    return np.asarray(weighted / np.add.reduceat(gain, starts))

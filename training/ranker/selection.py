"""Which variant becomes the ranker.

Judged by what was wanted, not by where it stood: how well a variant's scores tell which item of a
slate got the gain, where items are as likely as they are wanted times examined.  That is a softmax
over the slate of a * score + log(examination), examination being as the examined variant learned
it; a, the one number fitted here, puts all variants on one scale.  No gain is divided by a small
probability, as in inverse propensity weighting, so few slates suffice.

The blended variant is the ranker unless another is clearly better, with 95 % confidence: it errs
least where there are few clicks, and then chance must not talk it away.  The slates are those in an
order drawn at random, which no variant has learned from, where the log has enough of them.  Else
they are those of the validation split, whose order carries the old ranker's habits: there no more
than the naive variant may be that other.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.dataset import Dataset
from training.metrics import Interval, exp, log, mean_interval, ndcg, slate_starts
from training.ranker.click_model import Floats, Ints
from training.ranker.gate import users_of
from training.ranker.variants import BLENDED, EXAMINED, NAIVE, Fitted, shown_of

OUTCOMES = ("clicked", "carted", "ordered")
RANDOMIZED, VALIDATION = "randomized slice", "validation split"
FEWEST_SLATES = 100
"""Randomized slates with a gain; with fewer the validation split judges."""
_LEAST_SEEN = 0.1
"""A gain counts at most ten times."""
_STEEPEST, _FLAT = 20.0, 1e-9
"""Of the scale, scores having a standard deviation of 1; and a deviation that is none."""


@dataclass(frozen=True)
class Selection:
    """The variant chosen, and what the choice rests on.

    Attributes:
        judged_on: the randomized slice or the validation split.
        slates: of it with a gain.
        values: variant → log likelihood of a gain against that of examination alone, mean of
            the slates.
        differences: variant → to the blended one, paired.
    """

    variant: str
    judged_on: str
    slates: int
    values: dict[str, float]
    differences: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "contender": self.variant,
            "judged_on": self.judged_on,
            "slates": self.slates,
            "values": self.values,
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def select(fitted: Mapping[str, Fitted], data: Dataset, judged_on: str) -> Selection:
    """Choose by the slates of `data`, which the variants have not learned from."""
    data = data.with_gain()
    values = {name: _values(one, fitted[EXAMINED], data) for name, one in fitted.items()}
    users = users_of(data)
    means = {name: float(value.mean()) for name, value in values.items()}
    differences = {
        name: mean_interval(value - values[BLENDED], users)
        for name, value in values.items()
        if name != BLENDED
    }
    clearly_better = [
        name for name, difference in differences.items()
        if difference.low > 0 and (judged_on == RANDOMIZED or name == NAIVE)
    ]  # fmt: skip
    return Selection(
        variant=max(clearly_better, key=lambda name: means[name], default=BLENDED),
        judged_on=judged_on,
        slates=values[NAIVE].size,
        values=means,
        differences=differences,
    )


def unbiased_gain(data: Dataset, examined: Fitted, worth: float | None = None) -> Floats:
    """Shape (R,): each gain, or `worth`, over the probability that its place was looked at."""
    assert examined.objective is not None
    seen = examined.objective.examination.of(shown_of(data))
    gain = data.column("gain") if worth is None else worth
    return np.asarray(gain / np.maximum(seen, _LEAST_SEEN))


def outcomes_of(fitted: Mapping[str, Fitted], data: Dataset) -> dict[str, dict[str, float]]:
    """Contender → outcome → ndcg@10, each outcome counting 1 over the examination of its place.

    Empty where the dataset does not tell the outcomes apart; NaN for one that never happened.
    """
    told = [name for name in OUTCOMES if name in data.keys.column_names]
    weight, qid = unbiased_gain(data, fitted[EXAMINED], worth=1.0), data.column("qid")
    table: dict[str, dict[str, float]] = {}
    for variant, one in fitted.items():
        scores = one.scores(data)
        table[variant] = {
            name: _mean(ndcg(scores, weight * data.column(name).astype(float), qid))
            for name in told
        }
    return table


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _values(fitted: Fitted, examined: Fitted, data: Dataset) -> Floats:
    """Shape (Q,): how much better a slate's gains are told by the scores than without them."""
    from scipy.optimize import minimize_scalar

    assert examined.objective is not None
    offset = log(examined.objective.examination.of(shown_of(data)))
    scores, gain = fitted.scores(data).astype(np.float64), data.column("gain").astype(np.float64)
    scores = (scores - scores.mean()) / max(float(scores.std()), _FLAT)
    starts = slate_starts(data.column("qid"))

    def told(scale: float) -> Floats:
        return _log_likelihood(scale * scores + offset, gain, starts)

    best = minimize_scalar(lambda scale: -told(scale).mean(), bounds=(0.0, _STEEPEST))
    return told(float(best.x)) - told(0.0)


def _log_likelihood(utility: Floats, gain: Floats, starts: Ints) -> Floats:
    """Shape (Q,): mean log softmax of each slate's items, by gain."""
    sizes = np.diff(np.r_[starts, utility.size])
    shifted = utility - np.repeat(np.maximum.reduceat(utility, starts), sizes)
    whole = np.repeat(log(np.add.reduceat(exp(shifted), starts)), sizes)
    won = np.add.reduceat(gain * (shifted - whole), starts)
    return np.asarray(won / np.add.reduceat(gain, starts))

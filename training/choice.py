"""Which contender becomes the ranker.

Judged by what was wanted, not by where it stood: a gain counts over the probability that its
position was looked at, as the examined contender learned it (inverse propensity weighting of
Joachims, Swaminathan and Schnabel, WSDM 2017).  The slates are those in an order drawn at random,
where the log has enough of them, which no contender has learned from; else those of the validation
split.  The naive ranker is replaced only by a contender of a higher value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.bootstrap import Interval, mean_interval
from training.contenders import EXAMINED, NAIVE, Fitted, shown_of
from training.dataset_file import Dataset
from training.examination import Floats
from training.metrics import ndcg, slate_starts
from training.verdict import users_of

OUTCOMES = ("clicked", "carted", "ordered")
RANDOMIZED, VALIDATION = "randomized slice", "validation split"
FEWEST_SLATES = 100
"""Randomized slates with a gain; with fewer the validation split judges."""
_LEAST_SEEN = 0.1
"""A gain counts at most ten times."""
_DEPTH = 10


@dataclass(frozen=True)
class Choice:
    """The contender chosen, and what the choice rests on.

    Attributes:
        judged_on: the randomized slice or the validation split.
        slates: of it with a gain.
        values: contender → discounted gain over examination, mean of the slates.
        differences: contender → to the naive one, paired.
    """

    contender: str
    judged_on: str
    slates: int
    values: dict[str, float]
    differences: dict[str, Interval]


def choose(fitted: Mapping[str, Fitted], data: Dataset, judged_on: str) -> Choice:
    """Choose by the slates of `data`, which the contenders have not learned from."""
    gain = unbiased_gain(data, fitted[EXAMINED])
    values = {name: _values(one, gain, data) for name, one in fitted.items()}
    users = users_of(data)
    means = {name: float(value.mean()) for name, value in values.items()}
    return Choice(
        contender=max(means, key=lambda name: means[name]),
        judged_on=judged_on,
        slates=int((values[NAIVE] > 0).sum()),
        values=means,
        differences={
            name: mean_interval(value - values[NAIVE], users)
            for name, value in values.items()
            if name != NAIVE
        },
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
    for contender, one in fitted.items():
        scores = one.scores(data)
        table[contender] = {
            name: _mean(ndcg(scores, weight * data.column(name).astype(float), qid))
            for name in told
        }
    return table


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _values(fitted: Fitted, gain: Floats, data: Dataset) -> Floats:
    """Shape (Q,): discounted gain of each slate as the contender would order it."""
    qid, scores = data.column("qid"), fitted.scores(data)
    starts = slate_starts(qid)
    order = np.lexsort((data.column("item_id").astype(str), -scores, qid))
    rank = np.arange(qid.size) - np.repeat(starts, np.diff(np.r_[starts, qid.size]))
    won = gain[order] / np.log2(rank + 2)
    values: Floats = np.add.reduceat(np.where(rank < _DEPTH, won, 0.0), starts)
    return values

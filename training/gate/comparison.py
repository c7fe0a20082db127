"""Compare a ranker with the one in use, or without one with the best baseline.

They are compared by ndcg@10 on slates that the ranker's trees have not learned from, with paired
intervals over users.  The displayed order is no baseline: clicks follow it, whatever its quality.
"""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from training.dataset import LEAST_USERS, Dataset
from training.gate.in_use import RankerInUse
from training.gate.limits import REFIT_MARGIN
from training.gate.result import GuardrailResult
from training.metrics import Floats, Interval, mean_interval, ndcg, slate_starts
from training.ranker import SHOWN, Ranker, baselines_of, instants_of, users_of

IN_USE = "ranker in use"
CLICKS, RANDOMIZED = "validation split", "randomized slice"


@dataclass(frozen=True)
class Comparison:
    """Two orders of the same Q slates.

    Attributes:
        compared_on: name of the slates.
        data: their rows.
        other: name of the ranker in use, or of the baseline.
        values, others: shape (Q,), ndcg@10 by gain over examination; NaN where not compared.
        note: what limits the comparison, to follow the other's name.
    """

    compared_on: str
    data: Dataset
    other: str
    values: Floats
    others: Floats
    note: str = ""

    @property
    def differences(self) -> Floats:
        """Shape (Q,), positive where the ranker is better."""
        return self.values - self.others

    @cached_property
    def difference(self) -> Interval:
        """The mean difference, its interval over users."""
        return mean_interval(self.differences, users_of(self.data))

    @property
    def sentence(self) -> str:
        """The difference in words."""
        difference = self.difference
        return (
            f"On the {self.compared_on} the ranker's ndcg@10 is {difference.value:+.4f} "
            f"({difference.low:+.4f} to {difference.high:+.4f}) against the {self.other}{self.note}"
        )


def compare_on(
    compared_on: str,
    data: Dataset,
    scores: npt.ArrayLike,
    gain: npt.ArrayLike,
    in_use: RankerInUse | None = None,
) -> Comparison:
    """Compare a ranker's scores on R rows that it has not learned from.

    Args:
        compared_on: name of these rows.
        data: the rows.
        scores, gain: shape (R,).
        in_use: the published ranker, if there is one.
    """
    qid, gain = data.column("qid"), np.asarray(gain, np.float64)
    values = ndcg(scores, gain, qid)
    used = None if in_use is None else in_use.scores(data)
    if in_use is None or used is None:
        return Comparison(compared_on, data, *_best_baseline(data, gain, values))
    unseen, note = _unseen(data, values, in_use)
    return Comparison(compared_on, data, IN_USE, unseen, ndcg(used, gain, qid), note)


def check_better(comparison: Comparison, margin: float = 0.0) -> GuardrailResult:
    """Check that the interval of the difference is above zero, or above minus a margin."""
    difference = comparison.difference
    passes = bool(difference.low > -margin)
    expected = f"not worse within the margin of {margin:g}" if margin else "better"
    bound = f"above {-margin:g}" if margin else "above zero"
    outcome = f"it is {expected}" if passes else f"the interval is not {bound}"
    return GuardrailResult.of(
        comparison.compared_on,
        passes,
        f"{comparison.sentence}: {outcome}.",
        difference.low,
        -margin,
        compared_with=comparison.other,
        difference=asdict(difference),
    )


def check_not_worse(comparison: Comparison, margin: float = 0.0) -> GuardrailResult:
    """Check that the interval of the difference is not wholly below zero, or minus a margin."""
    difference = comparison.difference
    passes = not difference.high < -margin
    outcome = "it is not clearly worse" if passes else "it is clearly worse"
    return GuardrailResult.of(
        comparison.compared_on,
        passes,
        f"{comparison.sentence}: {outcome}.",
        difference.high,
        -margin,
        compared_with=comparison.other,
        difference=asdict(difference),
    )


def check_refit(comparison: Comparison, ranker: Ranker, gain: npt.ArrayLike) -> GuardrailResult:
    """Check that the published trees rank no worse than those that were compared.

    They learned from these slates too, so they must rank them at least as well.

    Args:
        comparison: of the trees before they were fitted again.
        ranker: the trees to publish.
        gain: shape (R,), as in the comparison.
    """
    data = comparison.data
    parts = [ranker.apply(batch, data.facts.columns) for batch in data.batches()]
    refit = ndcg(np.concatenate(parts), gain, data.column("qid"))
    difference = mean_interval(refit - comparison.values, users_of(data))
    passes = not difference.high < -REFIT_MARGIN
    outcome = "not clearly worse" if passes else "clearly worse"
    return GuardrailResult.of(
        "final trees",
        passes,
        f"Fitted on the validation split too, the trees are {outcome} there than before: "
        f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}) ndcg@10.",
        difference.high,
        -REFIT_MARGIN,
        difference=asdict(difference),
    )


def _best_baseline(data: Dataset, gain: Floats, values: Floats) -> tuple[str, Floats, Floats]:
    """Return the name of the baseline with the best mean, the ranker's values, and its values."""
    qid = data.column("qid")
    others = {
        name: ndcg(baseline(data), gain, qid)
        for name, baseline in baselines_of(data).items()
        if name != SHOWN
    }
    best = max(others, key=lambda name: np.nan_to_num(np.nanmean(others[name])))
    return best, values, others[best]


def _unseen(data: Dataset, values: Floats, in_use: RankerInUse) -> tuple[Floats, str]:
    """Return the values of the slates that the ranker in use has not learned from, NaN for others.

    If these have too few users, return all values, and a note on the advantage of the other.
    """
    instants = instants_of(data)[slate_starts(data.column("qid"))]
    unseen = np.where(instants > in_use.learned_until, values, np.nan)
    if np.unique(users_of(data)[~np.isnan(unseen)]).size >= LEAST_USERS:
        return unseen, ""
    return values, ", which has learned from these slates (--force publishes nevertheless)"

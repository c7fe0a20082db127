"""Decide whether a ranker may be published.

It must beat the smoothed click rate on the slates that compared the variants, and no column may
contain the future.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.dataset import Dataset, suspicious_columns
from training.metrics import Interval, mean_interval, ndcg, slate_starts
from training.ranker.baselines import BASELINES, RATE


@dataclass(frozen=True)
class Gate:
    """The decision and its reason.

    Attributes:
        publish: whether the ranker may be published.
        reason: of the decision, in a sentence.
        difference: of ndcg@10 to the baseline, gains being over examination.
    """

    publish: bool
    reason: str
    difference: Interval


def check_gate(data: Dataset, scores: npt.ArrayLike, gain: npt.ArrayLike, compared_on: str) -> Gate:
    """Compare a ranker's scores with the baseline's, and look for leaks.

    Args:
        data: R rows that the ranker has not learned from.
        scores, gain: shape (R,).
        compared_on: name of these rows.
    """
    qid = data.column("qid")
    gained = ndcg(scores, gain, qid) - ndcg(BASELINES[RATE](data), gain, qid)
    difference = mean_interval(gained, users_of(data))
    leaks = suspicious_columns(data)
    if leaks:
        columns = ", ".join(f"{name} ({value:.3f})" for name, value in leaks.items())
        return Gate(False, f"Too good to be true: {columns} alone, by AUC.", difference)
    publish = difference.value > 0
    reason = (
        f"On the {compared_on} the ranker's ndcg@10 is {difference.value:+.4f} "
        f"({difference.low:+.4f} to {difference.high:+.4f}) against the {RATE}: "
        f"{'published' if publish else 'not published'}."
    )
    return Gate(publish, reason, difference)


def users_of(data: Dataset) -> npt.NDArray[Any]:
    """Return the user of each slate, shape (Q,); without one, the slate's request id."""
    first = slate_starts(data.column("qid"))
    user, request = data.column("user_id")[first], data.column("request_id")[first]
    return np.where(user == None, request, user).astype(str)  # noqa: E711

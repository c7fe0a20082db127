"""The calibrated probabilities must fit the clicks, over all items and in each fifth of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.dataset import Dataset
from training.gate.limits import CALIBRATION_ERROR
from training.gate.result import GuardrailResult
from training.metrics import LEAST_CLUSTERS, Floats, mean_interval, slate_starts
from training.ranker import Calibration, users_of

CALIBRATION = "calibration"
_GROUPS = 5


def check_calibration(
    calibration: Calibration | None, data: Dataset, scores: Floats, examined: Floats
) -> GuardrailResult:
    """Check on the later half of the slates, which the calibration was not fitted on.

    A group is off if the interval of probability minus click rate, over users, is wholly beyond the
    limit.  The limit is a share of the click rate, of the group or of all items if that is higher.

    Args:
        calibration: of the ranker.
        data: R rows that the scoring trees have not learned from.
        scores, examined: shape (R,).
    """
    if calibration is None:
        return GuardrailResult.not_measured(CALIBRATION, "The ranker has no calibration.")
    qid = data.column("qid")
    later = qid > np.median(qid)
    users = _users_of_rows(data)[later]
    if np.unique(users).size < LEAST_CLUSTERS:
        reason = f"Fewer than {LEAST_CLUSTERS} users saw the slates that it is checked on."
        return GuardrailResult.not_measured(CALIBRATION, reason)
    probability = calibration.apply(scores[later])
    expected = probability * examined[later]
    clicked = (data.column("gain")[later] > 0).astype(np.float64)
    groups = [_measured("all items", expected, clicked, clicked.mean(), users)]
    parts = np.array_split(np.argsort(probability, kind="stable"), _GROUPS)
    for number, part in enumerate(parts, start=1):
        name = f"fifth {number} of {_GROUPS} by probability"
        groups.append(_measured(name, expected[part], clicked[part], clicked.mean(), users[part]))
    worst = max(groups, key=lambda group: group["excess"])
    passes = worst["excess"] <= 0
    text = f"{worst['group']}: {worst['expected']:.4f} expected, {worst['clicked']:.4f} clicked"
    reason = f"Probabilities fit the clicks; the worst is {text}." if passes else f"Off for {text}."
    return GuardrailResult.of(
        CALIBRATION, passes, reason, worst["nearest"], worst["limit"], groups=groups
    )


def _measured(
    name: str, expected: Floats, clicked: Floats, rate: float, users: npt.NDArray[Any]
) -> dict[str, Any]:
    """Return a group's figures; `nearest` is the end of the interval that is nearer to zero."""
    interval = mean_interval(expected - clicked, users)
    limit = CALIBRATION_ERROR * max(float(rate), float(clicked.mean()))
    nearest = max(interval.low, -interval.high, 0.0)
    return {
        "group": name,
        "expected": float(expected.mean()),
        "clicked": float(clicked.mean()),
        "nearest": nearest,
        "limit": limit,
        "excess": nearest - limit,
    }


def _users_of_rows(data: Dataset) -> npt.NDArray[Any]:
    """Return the user of each row, shape (R,)."""
    starts = slate_starts(data.column("qid"))
    return np.repeat(users_of(data), np.diff(np.r_[starts, data.size]))

"""Decide whether a ranker may be published.

It must beat the ranker in use, or without one the best baseline, on slates that it has not learned
from: by 95 % confidence, over users.  And no column may contain the future.

The displayed order is no baseline: clicks follow it, whatever its quality.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import ArtifactError, EventError, parse_instant
from training.dataset import LEAST_USERS, Dataset, suspicious_columns
from training.metrics import Floats, Interval, mean_interval, ndcg, slate_starts
from training.ranker.baselines import SHOWN, baselines_of
from training.ranker.ranker import TRAINING, Ranker, Scores

IN_USE = "ranker in use"


_SHOPPER = ("user_id", "session_id", "request_id")
"""Keys of a slate, the one that says most about who saw it first."""


@dataclass(frozen=True)
class Gate:
    """The decision and its reason.

    Attributes:
        publish: whether the ranker may be published.
        reason: of the decision, in sentences.
        difference: of ndcg@10 to the ranker in use or to the best baseline, gains being over
            examination.
        compared_with: its name.
    """

    publish: bool
    reason: str
    difference: Interval
    compared_with: str


@dataclass(frozen=True)
class RankerInUse:
    """The published ranker that a new one would replace.

    Attributes:
        learned_until: µs; it has learned from the slates up to this instant.
    """

    ranker: Ranker
    learned_until: int

    @classmethod
    def load(cls, folder: Path) -> "RankerInUse | None":
        """Read a published ranker; None if it is damaged, or does not say how it was trained."""
        try:
            training = json.loads((folder / TRAINING).read_text())
            return cls(Ranker.load(folder), parse_instant(training["learned_until"]))
        except (ArtifactError, EventError, OSError, ValueError, KeyError):
            return None

    def scores(self, data: Dataset) -> Scores | None:
        """Return the scores of a dataset's rows, shape (R,); None if it lacks a column."""
        if set(self.ranker.columns) - set(data.facts.columns):
            return None
        features = data.features(self.ranker.columns)
        return self.ranker.apply(features.matrix, features.facts.columns)


def check_gate(
    data: Dataset,
    scores: npt.ArrayLike,
    gain: npt.ArrayLike,
    compared_on: str,
    in_use: RankerInUse | None = None,
) -> Gate:
    """Compare a ranker's scores with those of the one in use or of the best baseline.

    Args:
        data: R rows that the ranker has not learned from.
        scores, gain: shape (R,).
        compared_on: name of these rows.
        in_use: the published ranker, if there is one.
    """
    qid, gain = data.column("qid"), np.asarray(gain)
    values = ndcg(scores, gain, qid)
    used = None if in_use is None else in_use.scores(data)
    if in_use is None or used is None:
        name, others, note = _best_baseline(data, gain)
    else:
        name, others = IN_USE, ndcg(used, gain, qid)
        values, note = _unseen(data, values, in_use)
    users = users_of(data)
    difference = mean_interval(values - others, users)
    if leaks := suspicious_columns(data):
        columns = ", ".join(f"{column} ({value:.3f})" for column, value in leaks.items())
        return Gate(False, f"Too good to be true: {columns} alone, by AUC.", difference, name)
    publish = difference.low > 0
    reason = (
        f"On the {compared_on} the ranker's ndcg@10 is {difference.value:+.4f} "
        f"({difference.low:+.4f} to {difference.high:+.4f}) against the {name}{note}: "
        f"{'published' if publish else 'not published, because the interval is not above zero'}."
    )
    return Gate(publish, reason, difference, name)


def users_of(data: Dataset) -> npt.NDArray[Any]:
    """Return the user of each slate, else its session, else its request, shape (Q,)."""
    first = slate_starts(data.column("qid"))
    shopper, *others = (name for name in _SHOPPER if name in data.keys.column_names)
    shoppers = data.column(shopper)[first]
    for name in others:
        shoppers = np.where(shoppers == None, data.column(name)[first], shoppers)  # noqa: E711
    return shoppers.astype(str)


def instants_of(data: Dataset) -> npt.NDArray[np.int64]:
    """Return the instant of each row's slate, in µs, shape (R,)."""
    return data.column("t").astype("datetime64[us]").astype(np.int64)


def _best_baseline(data: Dataset, gain: Floats) -> tuple[str, Floats, str]:
    """Return the baseline with the best mean: its name, its values, shape (Q,), and no note."""
    qid = data.column("qid")
    values = {
        name: ndcg(baseline(data), gain, qid)
        for name, baseline in baselines_of(data).items()
        if name != SHOWN
    }
    best = max(values, key=lambda name: np.nan_to_num(np.nanmean(values[name])))
    return best, values[best], ""


def _unseen(data: Dataset, values: Floats, in_use: RankerInUse) -> tuple[Floats, str]:
    """Return the values of the slates that the ranker in use has not learned from, NaN for others.

    If these have too few users, return all values, and a note on the advantage of the other.
    """
    instants = instants_of(data)[slate_starts(data.column("qid"))]
    unseen = np.where(instants > in_use.learned_until, values, np.nan)
    if np.unique(users_of(data)[~np.isnan(unseen)]).size >= LEAST_USERS:
        return unseen, ""
    return values, ", which has learned from these slates (--force publishes nevertheless)"

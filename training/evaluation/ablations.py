"""Ablations and learning curves: fit the ranker again with fewer features or less data.

Each ranker is fitted on the training split with the chosen configuration and number of trees, and
measured on the validation split, so that the test split stays unseen.  Differences are paired with
a ranker fitted in the same way on all features and rankings.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.dataset import TRAIN, VALIDATE, Dataset, LazyDataset
from training.evaluation.evaluate import EVALUATION, write
from training.metrics import Floats, Interval, mean_intervals, ndcg, without_nan
from training.ranker import Trial, group_features, is_user_feature, refit, users_of

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
USER_AND_SESSION = "user and session"
_SEED = 13

Progress = Callable[[int, int | None], None]
Table = dict[str, Any]


@dataclass(frozen=True)
class Refit:
    """A ranker fitted with fewer features or less data.

    Attributes:
        name: the family that was excluded, or the share of the training rankings.
        features: number of columns.
        rankings: number of training rankings with a gain.
        ndcg_at_10: on the validation split.
        difference: to the ranker fitted with all features and rankings.
    """

    name: str
    features: int
    rankings: int
    ndcg_at_10: Interval
    difference: Interval


def ablation(dataset: Path, training: Mapping[str, Any], progress: Progress | None = None) -> Table:
    """Exclude each family of features in turn, then all features of user and session together.

    The family with the largest loss comes first.
    """
    data = LazyDataset.open(dataset)
    columns = data.facts.columns
    groups = group_features(columns)
    groups |= {USER_AND_SESSION: tuple(filter(is_user_feature, columns))}
    remaining = [(name, [c for c in columns if c not in own]) for name, own in groups.items()]
    train, validation = data.part(TRAIN), data.part(VALIDATE).with_gain()
    fitted = _fitted(
        [("everything", train, validation)]
        + [
            (name, train.features(some), validation.features(some))
            for name, some in remaining
            if some
        ],
        training,
        progress,
    )
    refits = sorted(_refits(fitted, validation), key=lambda refit: refit.difference.value)
    return {"split": VALIDATE, "refits": [asdict(refit) for refit in refits]}


def learning_curve(
    dataset: Path, training: Mapping[str, Any], progress: Progress | None = None
) -> Table:
    """Fit on a growing share of the training rankings; each share contains the one before."""
    data = LazyDataset.open(dataset)
    train, validation = data.part(TRAIN), data.part(VALIDATE).with_gain()
    qid = train.column("qid")
    slates = np.random.default_rng(_SEED).permutation(np.unique(qid))
    parts = []
    for share in sorted(SHARES, reverse=True):
        some = slates[: max(int(share * slates.size), 1)]
        parts.append((f"{share:.0%}", train.rows(np.isin(qid, some)), validation))
    refits = list(_refits(_fitted(parts, training, progress), validation))
    return {"split": VALIDATE, "refits": [asdict(refit) for refit in reversed(refits)]}


_Part = tuple[str, Dataset, Dataset]


def _fitted(
    parts: Sequence[_Part], training: Mapping[str, Any], progress: Progress | None
) -> Iterator[tuple[str, Dataset, Floats]]:
    """Yield name, rows and validation values of each part, starting with the whole."""
    trial = Trial.from_dict(training["chosen"])
    for number, (name, train, validation) in enumerate(parts):
        if progress:
            progress(number, len(parts))
        scores = refit(trial, train).scores(validation)
        yield name, train, ndcg(scores, validation.column("gain"), validation.column("qid"))


def _refits(fitted: Iterator[tuple[str, Dataset, Floats]], validation: Dataset) -> Iterator[Refit]:
    users, whole = users_of(validation), None
    for name, train, values in fitted:
        whole = values if whole is None else whole
        refits = mean_intervals({"value": values, "difference": values - whole}, users)
        rankings = int(np.unique(train.with_gain().column("qid")).size)
        yield Refit(name, len(train.facts.columns), rankings, refits["value"], refits["difference"])


STUDIES: dict[str, Callable[[Path, Mapping[str, Any], Progress | None], Table]] = {
    "ablation": ablation,
    "learning_curve": learning_curve,
}


def study(
    dataset: Path, out: Path, names: Sequence[str], progress: Progress | None = None
) -> Table:
    """Add studies to the evaluation in the folder `out`, and return its dict.

    Studies that the evaluation already has are not repeated.
    """
    table: Table = json.loads((out / EVALUATION).read_text())
    for name in names:
        if name not in table:
            table[name] = without_nan(STUDIES[name](dataset, table["training"], progress))
    write(out, table)
    return table

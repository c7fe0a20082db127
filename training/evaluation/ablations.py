"""What a ranker owes to its features and to its data: fitted again with less of them.

Each is fitted on the training split with the chosen configuration and number of trees, and measured
on the validation split, so that the test split stays unseen.  Differences are paired, to the ranker
fitted in the same way with everything.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.dataset import TRAIN, VALIDATE, Dataset, LazyDataset
from training.evaluation.evaluate import EVALUATION, without_nan, write
from training.metrics import Floats, Interval, mean_intervals, ndcg
from training.ranker import Trial, group_features, is_user_feature, refit, users_of

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
USER_AND_SESSION = "user and session"
_SEED = 13

Progress = Callable[[int, int | None], None]
Table = dict[str, Any]


@dataclass(frozen=True)
class Refit:
    """A ranker fitted with less.

    Attributes:
        name: the family left out, or the share of the training rankings.
        features: columns it read.
        rankings: with a gain, it was fitted on.
        ndcg_at_10: on the validation split.
        difference: to the ranker fitted with everything.
    """

    name: str
    features: int
    rankings: int
    ndcg_at_10: Interval
    difference: Interval


def ablation(dataset: Path, training: Mapping[str, Any], progress: Progress | None = None) -> Table:
    """Leave out each family of features in turn, then all of user and session at once.

    What costs most comes first.
    """
    data = LazyDataset.open(dataset)
    columns = data.facts.columns
    groups = group_features(columns)
    groups |= {USER_AND_SESSION: tuple(filter(is_user_feature, columns))}
    left = [(name, [c for c in columns if c not in own]) for name, own in groups.items()]
    taught, checked = data.part(TRAIN), data.part(VALIDATE).with_gain()
    fitted = _fitted(
        [("everything", taught, checked)]
        + [(name, taught.features(some), checked.features(some)) for name, some in left if some],
        training, progress,
    )  # fmt: skip
    found = sorted(_refits(fitted, checked), key=lambda refit: refit.difference.value)
    return {"split": VALIDATE, "refits": [asdict(refit) for refit in found]}


def learning_curve(
    dataset: Path, training: Mapping[str, Any], progress: Progress | None = None
) -> Table:
    """Fit on a growing share of the training rankings, each holding the one before."""
    data = LazyDataset.open(dataset)
    taught, checked = data.part(TRAIN), data.part(VALIDATE).with_gain()
    qid = taught.column("qid")
    slates = np.random.default_rng(_SEED).permutation(np.unique(qid))
    parts = []
    for share in sorted(SHARES, reverse=True):
        some = slates[: max(int(share * slates.size), 1)]
        parts.append((f"{share:.0%}", taught.rows(np.isin(qid, some)), checked))
    found = list(_refits(_fitted(parts, training, progress), checked))
    return {"split": VALIDATE, "refits": [asdict(refit) for refit in reversed(found)]}


_Part = tuple[str, Dataset, Dataset]


def _fitted(
    parts: Sequence[_Part], training: Mapping[str, Any], progress: Progress | None
) -> Iterator[tuple[str, Dataset, Floats]]:
    """Name, rows and values on the validation split of each; the whole comes first."""
    chosen = Trial.from_dict(training["chosen"])
    for number, (name, taught, checked) in enumerate(parts):
        if progress:
            progress(number, len(parts))
        scores = refit(chosen, taught).scores(checked)
        yield name, taught, ndcg(scores, checked.column("gain"), checked.column("qid"))


def _refits(fitted: Iterator[tuple[str, Dataset, Floats]], checked: Dataset) -> Iterator[Refit]:
    users, whole = users_of(checked), None
    for name, taught, values in fitted:
        whole = values if whole is None else whole
        found = mean_intervals({"value": values, "difference": values - whole}, users)
        rankings = int(np.unique(taught.with_gain().column("qid")).size)
        yield Refit(name, len(taught.facts.columns), rankings, found["value"], found["difference"])


STUDIES: dict[str, Callable[[Path, Mapping[str, Any], Progress | None], Table]] = {
    "ablation": ablation,
    "learning_curve": learning_curve,
}


def study(
    dataset: Path, out: Path, names: Sequence[str], progress: Progress | None = None
) -> Table:
    """Add studies to the evaluation in the folder `out`, and give its dict.

    Those that are there already are not fitted again: they are of the same ranker and dataset.
    """
    table: Table = json.loads((out / EVALUATION).read_text())
    for name in names:
        if name not in table:
            table[name] = without_nan(STUDIES[name](dataset, table["training"], progress))
    write(out, table)
    return table

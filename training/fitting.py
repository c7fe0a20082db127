"""Choose the ranker's configuration on the validation split, then fit it on all but the test split.

The validation split lies after the training split in time.  A slate without any gain teaches
nothing and is left out of the loss.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_repo.errors import DatasetError
from training.configuration import GRID, MOST_ROUNDS, PATIENCE, Configuration
from training.dataset import Dataset, Progress
from training.metrics import ndcg
from training.quantised import quantised
from training.ranker import Ranker, Scores
from training.split import TRAIN, VALIDATE
from training.trees import load_xgboost
from training.verdict import Verdict, judge

if TYPE_CHECKING:
    import xgboost


@dataclass(frozen=True)
class Trial:
    """One configuration, judged on the validation split."""

    configuration: Configuration
    rounds: int
    ndcg_at_10: float


@dataclass(frozen=True)
class Training:
    """How a ranker was chosen.

    Attributes:
        trials: every configuration tried.
        chosen: the best of them on the validation split.
        verdict: whether it may be published.
        rankings: with a gain, by split.
    """

    trials: tuple[Trial, ...]
    chosen: Trial
    verdict: Verdict
    rankings: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def choose_and_fit(
    data: Dataset, progress: Progress | None = None, grid: tuple[Configuration, ...] = GRID
) -> tuple[Ranker, Training]:
    """Try every configuration, fit the best one on training and validation split together.

    Raises:
        DatasetError: no ranking with a gain in one of the two splits.
    """
    taught, checked = (_with_gain(data.part(split), split) for split in (TRAIN, VALIDATE))
    rows = quantised(taught)
    unseen = quantised(checked, reference=rows)
    trials: list[tuple[Trial, Scores]] = []
    for number, configuration in enumerate(grid):
        if progress:
            progress(number, len(grid) + 1)
        trials.append(_try(configuration, rows, unseen, checked))
    chosen, scores = max(trials, key=lambda trial: trial[0].ndcg_at_10)
    booster = _boost(chosen.configuration, quantised(_with_gain(data.part(TRAIN, VALIDATE), TRAIN)),
                     chosen.rounds)  # fmt: skip
    ranker = Ranker(data.facts.columns, data.facts.prior, booster)
    counts = {split: _slates(part) for split, part in ((TRAIN, taught), (VALIDATE, checked))}
    tried = tuple(trial for trial, _ in trials)
    return ranker, Training(tried, chosen, judge(checked, scores), counts)


def _with_gain(data: Dataset, split: str) -> Dataset:
    """The slates in which something was wanted."""
    wanted = data.with_gain()
    if not wanted.size:
        raise DatasetError(
            f"The {split} split has no ranking with a click among its {_slates(data)}; "
            "more events, or interactions that name their ranking, are needed."
        )
    return wanted


def _slates(data: Dataset) -> int:
    return int(np.unique(data.column("qid")).size)


def _try(
    configuration: Configuration, rows: "xgboost.DMatrix", unseen: "xgboost.DMatrix", data: Dataset
) -> tuple[Trial, Scores]:
    """Fit until the validation split stops gaining; give the trial and its scores there."""
    xgboost = load_xgboost()

    booster = xgboost.train(
        configuration.parameters(),
        rows,
        MOST_ROUNDS,
        evals=[(unseen, VALIDATE)],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    scores: Scores = np.concatenate(
        [
            booster.inplace_predict(batch, iteration_range=(0, rounds), validate_features=False)
            for batch in data.batches()
        ]
    )
    value = float(np.nanmean(ndcg(scores, data.column("gain"), data.column("qid"))))
    return Trial(configuration, rounds, value), scores


def _boost(configuration: Configuration, rows: "xgboost.DMatrix", rounds: int) -> "xgboost.Booster":
    xgboost = load_xgboost()

    return xgboost.train(configuration.parameters(), rows, rounds)

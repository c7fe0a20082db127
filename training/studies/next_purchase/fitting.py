"""Choose ranker and baselines on the validation split, then fit the choice on both splits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.home import DatasetError
from training.dataset import TRAIN, VALIDATE, Dataset
from training.ranker import (
    Configuration,
    Ranker,
    early_stopping,
    grow,
    measured_rows,
    merge_boosters,
    quantize,
)
from training.studies.next_purchase.baselines import Baseline, grids
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.history import Ints
from training.studies.next_purchase.order import MAIN, measure
from training.studies.next_purchase.rows import rank, training_rows

if TYPE_CHECKING:
    import xgboost

GRID = (Configuration(4, 0.2, 0.5, 20.0), Configuration(4, 0.3, 0.5, 20.0))
MOST_ROUNDS, PATIENCE = 60, 30
MOST_DECISIONS = 4000
"""Number of latest decisions to learn from, because taste and the items on sale change."""
NEGATIVES = 25
AVERAGED = 5
"""Trainings whose scores the ranker averages (docs/decisions/0019)."""
_SEED = 13


@dataclass(frozen=True)
class Trial:
    """A configuration and its ndcg@10 on the validation split."""

    configuration: Configuration | Baseline
    value: float
    rounds: int = 0


@dataclass(frozen=True)
class Choice:
    """The configuration of the ranker, and the rows it is fitted on.

    Attributes:
        trials: of every configuration, best on the validation split first.
        rows: of the training and the validation split.
    """

    trials: tuple[Trial, ...]
    rows: Dataset

    def fit(self, trainings: int) -> list[Ranker]:
        """Fit the same rows several times, each with other samples of rows and columns."""
        rounds, best = self.trials[0].rounds, self.trials[0].configuration
        assert isinstance(best, Configuration)
        quantized = quantize(self.rows)
        seeded = [replace(best, seed=best.seed + number) for number in range(trainings)]
        return [_boost(one, self.rows, quantized, rounds) for one in seeded]


def average(rankers: Sequence[Ranker]) -> Ranker:
    """Return the ranker whose score is the mean of the rankers' scores, less a constant."""
    boosters = [ranker.booster for ranker in rankers]
    return replace(rankers[0], booster=merge_boosters(boosters, [1 / len(rankers)] * len(rankers)))


def choose_baseline(name: str, lookups: Lookups, decisions: Decisions) -> tuple[Trial, ...]:
    """Return every configuration of a baseline, best on the validation split first."""
    validation = decisions.part(decisions.of_split(VALIDATE))
    trials = [
        Trial(tried, _value(tried.rank(lookups.history, validation, lookups.by_user), validation))
        for tried in grids()[name]
    ]
    return tuple(sorted(trials, key=lambda trial: -trial.value))


def choose_ranker(
    lookups: Lookups, decisions: Decisions, grid: tuple[Configuration, ...] = GRID
) -> Choice:
    """Try every configuration on the validation split.

    Raises:
        DatasetError: no order of a split has an item that was among its candidates.
    """
    unseen = decisions.of_split(VALIDATE)
    used = np.r_[decisions.of_split(TRAIN)[-MOST_DECISIONS:], unseen]
    rows = _rows(lookups, decisions.part(used))
    trials = _trials(lookups, rows, decisions.part(unseen), grid)
    return Choice(trials, rows.rows(rows.column("qid") >= used.size - MOST_DECISIONS))


def _rows(lookups: Lookups, decisions: Decisions) -> Dataset:
    rows = training_rows(lookups, decisions, NEGATIVES, _SEED)
    for split in (TRAIN, VALIDATE):
        if split not in rows.column("split"):
            raise DatasetError(
                f"The {split} split has {decisions.of_split(split).size} orders of identified "
                "users, but no ordered item is among its candidates; ingest orders over a longer "
                "time."
            )
    return rows


def _trials(
    lookups: Lookups, rows: Dataset, validation: Decisions, grid: Sequence[Configuration]
) -> tuple[Trial, ...]:
    """Fit until the sampled validation rows no longer improve; rank all items there."""
    train = quantize(rows.part(TRAIN))
    unseen = measured_rows(rows.part(VALIDATE), train)
    rankers = [_boost(one, rows, train, MOST_ROUNDS, unseen) for one in grid]
    ranked, _ = rank(lookups, validation, lambda matrix: [one.apply(matrix) for one in rankers])
    trials = [
        Trial(one, _value(ranking, validation), ranker.booster.num_boosted_rounds())
        for one, ranker, ranking in zip(grid, rankers, ranked, strict=True)
    ]
    return tuple(sorted(trials, key=lambda trial: -trial.value))


def _boost(
    configuration: Configuration,
    rows: Dataset,
    quantized: "xgboost.DMatrix",
    rounds: int,
    unseen: "xgboost.DMatrix | None" = None,
) -> Ranker:
    """Fit trees; with `unseen` rows, keep the rounds up to the one that ranked these best."""
    columns = rows.facts.columns
    parameters = configuration.ranking_parameters(columns)
    booster = grow(parameters, quantized, rounds, columns, **early_stopping(unseen, PATIENCE))
    if unseen is not None:
        booster = booster[: booster.best_iteration + 1]
    return Ranker(columns, rows.facts.prior, booster)


def _value(ranking: Ints, decisions: Decisions) -> float:
    return float(np.mean(measure(ranking, decisions.bought)[MAIN]))

"""Choose ranker and baselines on the validation split, then fit the choice on both splits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feature_repo.home import DatasetError
from training.dataset import TRAIN, VALIDATE, Dataset
from training.ranker import (
    Configuration,
    Ranker,
    in_random_order,
    load_xgboost,
    measured_rows,
    merge_boosters,
    quantize,
)
from training.studies.next_purchase.baselines import Baseline, grids
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.history import Ints
from training.studies.next_purchase.order import MAIN, measure
from training.studies.next_purchase.rows import CandidateInputs, rank, training_rows

GRID = (Configuration(4, 0.15, 0.5, 20.0), Configuration(6, 0.1, 0.5, 20.0))
MOST_ROUNDS, PATIENCE = 100, 30
MOST_DECISIONS = 4000
"""Number of latest decisions to learn from, because taste and the items on sale change."""
NEGATIVES = 50
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

    def fit(self, seed: int) -> Ranker:
        """Fit one training: `seed` decides on samples, columns and the order of the rows."""
        best = self.trials[0]
        assert isinstance(best.configuration, Configuration)
        return _boost(best.configuration, self.rows, best.rounds, seed)


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
    inputs: CandidateInputs, decisions: Decisions, grid: tuple[Configuration, ...] = GRID
) -> Choice:
    """Try every configuration on the validation split.

    Raises:
        DatasetError: no order of a split has an item that was among its candidates.
    """
    validation = decisions.part(decisions.of_split(VALIDATE))
    rows = _rows(inputs, decisions.part(_latest(decisions.of_split(TRAIN))), TRAIN)
    unseen = _rows(inputs, validation, VALIDATE)
    trials = [_try(configuration, inputs, rows, unseen, validation) for configuration in grid]
    trials.sort(key=lambda trial: -trial.value)
    both = np.flatnonzero(np.isin(decisions.split, (TRAIN, VALIDATE)))
    return Choice(tuple(trials), _rows(inputs, decisions.part(_latest(both)), TRAIN))


def _latest(decisions: Ints) -> Ints:
    return decisions[-MOST_DECISIONS:]


def _rows(inputs: CandidateInputs, decisions: Decisions, split: str) -> Dataset:
    rows = training_rows(inputs, decisions, NEGATIVES, _SEED) if decisions.t.size else None
    if rows is None or not rows.matrix.shape[0]:
        raise DatasetError(
            f"The {split} split has {decisions.t.size} orders of identified users, but no "
            "ordered item is among its candidates; ingest orders over a longer time."
        )
    return rows


def _try(
    configuration: Configuration,
    inputs: CandidateInputs,
    rows: Dataset,
    unseen: Dataset,
    validation: Decisions,
) -> Trial:
    """Fit until the sampled validation rows no longer improve; rank all items there."""
    ranker = _boost(configuration, rows, MOST_ROUNDS, unseen=unseen)
    value = _value(rank(inputs, validation, ranker.apply), validation)
    return Trial(configuration, value, ranker.booster.num_boosted_rounds())


def _boost(
    configuration: Configuration,
    rows: Dataset,
    rounds: int,
    seed: int = 0,
    unseen: Dataset | None = None,
) -> Ranker:
    """Fit trees; with `unseen` rows, keep the rounds up to the one that ranked these best."""
    xgboost = load_xgboost()
    columns = rows.facts.columns
    seeded = replace(configuration, seed=configuration.seed + seed)
    train = quantize(in_random_order(rows, seed) if seed else rows)
    options = {}
    if unseen is not None:
        options = {
            "evals": [(measured_rows(unseen, train), VALIDATE)],
            "early_stopping_rounds": PATIENCE,
            "verbose_eval": False,
        }
    booster = xgboost.train(seeded.ranking_parameters(columns), train, rounds, **options)
    if unseen is not None:
        booster = booster[: booster.best_iteration + 1]
    return Ranker(columns, rows.facts.prior, booster)


def _value(ranking: Ints, decisions: Decisions) -> float:
    return float(np.mean(measure(ranking, decisions.bought)[MAIN]))

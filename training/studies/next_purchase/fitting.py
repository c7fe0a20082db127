"""Choose ranker and baselines on the validation split; what is chosen learns from it, too."""

from dataclasses import dataclass

import numpy as np

from feature_repo.home import DatasetError
from training.dataset import TRAIN, VALIDATE, Dataset
from training.ranker import Configuration, Ranker, load_xgboost, quantize
from training.studies.next_purchase.baselines import Baseline, grids
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.history import Ints
from training.studies.next_purchase.order import MAIN, measure
from training.studies.next_purchase.rows import Known, ranked, taught_rows

GRID = (Configuration(4, 0.15, 0.5, 20.0), Configuration(6, 0.1, 0.5, 20.0))
MOST_ROUNDS, PATIENCE = 100, 10
MOST_TAUGHT = 4000
"""Decisions that are learned from, the latest: taste and assortment move."""
NEGATIVES = 50
_SEED = 13


@dataclass(frozen=True)
class Trial:
    """A configuration and its ndcg@10 on the validation split."""

    configuration: Configuration | Baseline
    value: float
    rounds: int = 0


def choose_baseline(name: str, lookups: Lookups, decisions: Decisions) -> tuple[Trial, ...]:
    """Every configuration of a baseline, best on the validation split first."""
    checked = decisions.part(decisions.of_split(VALIDATE))
    trials = [
        Trial(tried, _value(tried.rank(lookups.history, checked, lookups.by_user), checked))
        for tried in grids()[name]
    ]
    return tuple(sorted(trials, key=lambda trial: -trial.value))


def choose_ranker(
    known: Known, decisions: Decisions, grid: tuple[Configuration, ...] = GRID
) -> tuple[Ranker, tuple[Trial, ...]]:
    """Try every configuration, and fit the best one on the two splits together.

    Returns:
        The ranker, and the trials, best first.

    Raises:
        DatasetError: no order of a split holds an item that was among its candidates.
    """
    validate = decisions.of_split(VALIDATE)
    taught = _rows(known, decisions.part(_latest(decisions.of_split(TRAIN))), TRAIN)
    unseen = _rows(known, decisions.part(validate), VALIDATE)
    trials = [
        _try(configuration, known, taught, unseen, decisions.part(validate))
        for configuration in grid
    ]
    trials.sort(key=lambda trial: -trial.value)
    both = np.flatnonzero(np.isin(decisions.split, (TRAIN, VALIDATE)))
    rows = _rows(known, decisions.part(_latest(both)), TRAIN)
    chosen = trials[0].configuration
    assert isinstance(chosen, Configuration)
    return _boost(chosen, rows, trials[0].rounds), tuple(trials)


def _latest(places: Ints) -> Ints:
    return places[-MOST_TAUGHT:]


def _rows(known: Known, decisions: Decisions, split: str) -> Dataset:
    rows = taught_rows(known, decisions, NEGATIVES, _SEED) if decisions.t.size else None
    if rows is None or not rows.matrix.shape[0]:
        raise DatasetError(
            f"The {split} split has {decisions.t.size} orders of known users, and none of them "
            "holds an item that could be a candidate; more orders over more time are needed."
        )
    return rows


def _try(
    configuration: Configuration,
    known: Known,
    taught: Dataset,
    unseen: Dataset,
    decisions: Decisions,
) -> Trial:
    """Fit until drawn rows of the validation split stop gaining; rank all items there."""
    ranker = _boost(configuration, taught, MOST_ROUNDS, unseen)
    rounds = ranker.booster.num_boosted_rounds()
    return Trial(configuration, _value(ranked(known, decisions, ranker.apply), decisions), rounds)


def _boost(
    configuration: Configuration, rows: Dataset, rounds: int, unseen: Dataset | None = None
) -> Ranker:
    """Fit trees; with `unseen` rows, cut to the round at which they were ranked best."""
    xgboost = load_xgboost()
    columns = rows.facts.columns
    train = quantize(rows)
    watched = {} if unseen is None else {
        "evals": [(quantize(unseen, train), VALIDATE)],
        "early_stopping_rounds": PATIENCE,
        "verbose_eval": False,
    }  # fmt: skip
    booster = xgboost.train(configuration.ranking_parameters(columns), train, rounds, **watched)
    if unseen is not None:
        booster = booster[: booster.best_iteration + 1]
    return Ranker(columns, rows.facts.prior, booster)


def _value(ranking: Ints, decisions: Decisions) -> float:
    return float(np.mean(measure(ranking, decisions.bought)[MAIN]))

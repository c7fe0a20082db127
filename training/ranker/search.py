"""Search for a better configuration of the trees; resumable, and limited in trials and time.

Each trial is fitted on the past of several folds and measured on the slates after it, so that no
trial learns from the future; the test split is not read.  The study is stored in a journal file
under the name of its dataset: an interrupted search continues, and another dataset starts a new
study.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.dataset import TRAIN, VALIDATE, Dataset, Progress
from training.ranker.configuration import GRID, SEED, Configuration
from training.ranker.quantized import FitRows
from training.ranker.variants import NAIVE, fit, validation_ndcg, with_gain

if TYPE_CHECKING:
    import optuna

FOLDS = 3
_FIRST_SHARE = 0.4
"""Share of the slates that every fold learns from."""


_Fold = tuple[FitRows, Dataset]
"""Rows of the past and of the future, for all trials; and the future alone."""


def search_configuration(
    data: Dataset,
    journal: Path,
    *,
    study: str,
    trials: int,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Configuration:
    """Return the best configuration of `trials` trials, which include the trials of earlier runs.

    Args:
        data: the test split is not read.
        journal: file of the studies.
        study: name of this one, such as a hash of the dataset.
        trials: their maximum number.
        seconds: no new trial starts later.
        progress: called before each trial.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    stored = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=study,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
        load_if_exists=True,
    )
    if not stored.trials:
        for configuration in GRID:
            stored.enqueue_trial(_parameters(configuration))
    both = data.part(TRAIN, VALIDATE)
    folds = [(FitRows(past, future), future) for past, future in time_folds(both)]
    started = time.monotonic()
    while (done := _finished(stored)) < trials:
        if done and seconds is not None and time.monotonic() - started > seconds:
            break
        if progress:
            progress(done, trials)
        stored.optimize(lambda trial: _mean_value(_proposed(trial), folds), n_trials=1)
    return Configuration(**stored.best_params)


def time_folds(data: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """Yield the past and the following slates; each fold's past includes the whole fold before it.

    Args:
        data: rows sorted by time; only slates with a gain are measured.
    """
    slates = np.unique(data.column("qid")[with_gain(data)])
    cuts = slates[(np.linspace(_FIRST_SHARE, 1, FOLDS + 1) * (slates.size - 1)).astype(int)]
    qid = data.column("qid")
    for first, last in pairwise(cuts):
        yield data.rows(qid <= first), data.rows((qid > first) & (qid <= last))


def _mean_value(configuration: Configuration, folds: Sequence[_Fold]) -> float:
    """Return the naive variant's mean NDCG@10 over the folds."""
    values = [validation_ndcg(fit(NAIVE, configuration, rows), future) for rows, future in folds]
    return float(np.mean(values))


def _finished(study: "optuna.Study") -> int:
    return sum(trial.state.is_finished() for trial in study.trials)


def _proposed(trial: "optuna.Trial") -> Configuration:
    return Configuration(
        max_depth=trial.suggest_int("max_depth", 2, 8),
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        columns_per_tree=trial.suggest_float("columns_per_tree", 0.1, 1.0),
        min_child_weight=trial.suggest_float("min_child_weight", 1.0, 200.0, log=True),
        monotone=trial.suggest_categorical("monotone", [False, True]),
    )


def _parameters(configuration: Configuration) -> dict[str, float]:
    names = ("max_depth", "learning_rate", "columns_per_tree", "min_child_weight", "monotone")
    return {name: getattr(configuration, name) for name in names}

"""A search for a better configuration of the trees, resumable and bounded.

Each trial is fitted on the past of each of a few folds and judged on what came next, so that no
trial learns from the future; the test split takes no part.  The study lies in a journal file, under
the name of its dataset: a search that was stopped goes on, and another dataset starts anew.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.dataset import TRAIN, VALIDATE, Dataset, Progress
from training.ranker.configuration import GRID, SEED, Configuration
from training.ranker.fitting import try_configuration
from training.ranker.variants import NAIVE, wanted

if TYPE_CHECKING:
    import optuna

FOLDS = 3
_FIRST_SHARE = 0.4
"""Of the slates, the share that every fold learns from."""


def search(
    data: Dataset,
    journal: Path,
    *,
    study: str,
    trials: int,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Configuration:
    """The best configuration found by `trials` trials in all, those of earlier runs included.

    Args:
        data: of which the test split is not read.
        journal: file of the studies.
        study: name of this one, such as a hash of the dataset.
        trials: no more than so many.
        seconds: no new trial after so long.
        progress: told of each trial.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    known = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=study,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
        load_if_exists=True,
    )
    if not known.trials:
        for configuration in GRID:
            known.enqueue_trial(_parameters(configuration))
    folds, started = list(time_folds(data.part(TRAIN, VALIDATE))), time.monotonic()
    while (done := _finished(known)) < trials:
        if done and seconds is not None and time.monotonic() - started > seconds:
            break
        if progress:
            progress(done, trials)
        known.optimize(lambda trial: _mean_value(_proposed(trial), folds), n_trials=1)
    return Configuration(**known.best_params)


def time_folds(data: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """Past and what came next: each fold's past holds the fold before it, whole.

    Args:
        data: rows sorted by time; only slates with a gain are judged by.
    """
    slates = np.unique(data.column("qid")[wanted(data)])
    cuts = slates[(np.linspace(_FIRST_SHARE, 1, FOLDS + 1) * (slates.size - 1)).astype(int)]
    qid = data.column("qid")
    for first, last in pairwise(cuts):
        yield data.rows(qid <= first), data.rows((qid > first) & (qid <= last))


def _mean_value(configuration: Configuration, folds: list[tuple[Dataset, Dataset]]) -> float:
    """NDCG@10 of the naive variant, mean of the folds."""
    found = [try_configuration(NAIVE, configuration, *fold)[1] for fold in folds]
    return float(np.mean([trial.ndcg_at_10 for trial in found]))


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

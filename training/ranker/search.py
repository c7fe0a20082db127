"""Search for a better configuration of the trees; resumable, and limited in trials and time.

Each trial is fitted on the past of several folds and measured on the slates after it, so that no
trial learns from the future; the test split is not read.  The study is stored in a journal file
under the name of its dataset: an interrupted search continues, and another dataset starts a new
study.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.artifacts import sha256
from training.dataset import TRAIN, VALIDATE, Dataset, LazyDataset, Progress
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


def search_dataset(
    dataset: Path,
    journal: Path,
    *,
    trials: int,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Configuration:
    """Search on the file of a dataset, whose hash is the name of the study."""
    return search_configuration(
        LazyDataset.open(dataset),
        journal,
        study=sha256(dataset),
        trials=trials,
        seconds=seconds,
        progress=progress,
    )


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
        load_if_exists=True,
    )
    both = data.part(TRAIN, VALIDATE)
    folds = [(FitRows(past, future), future) for past, future in time_folds(both)]
    started = time.monotonic()
    while (done := _complete(stored)) < trials:
        if done and seconds is not None and time.monotonic() - started > seconds:
            break
        if progress:
            progress(done, trials)
        _try(stored, done, lambda configuration: _mean_value(configuration, folds))
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


def _try(study: "optuna.Study", done: int, value: Callable[[Configuration], float]) -> None:
    """Add the trial after `done` others: the grid first, then what earlier trials propose.

    Each proposal has its own seed, and a killed trial counts for nothing.  So an interrupted search
    tries what it would have tried.
    """
    import optuna

    space = _space()
    if done < len(GRID):
        trial = optuna.trial.create_trial(
            params=_parameters(GRID[done]), distributions=space, value=value(GRID[done])
        )
        study.add_trial(trial)
        return
    study.sampler = optuna.samplers.TPESampler(seed=SEED + done)
    proposed = study.ask(space)
    study.tell(proposed, value(Configuration(**proposed.params)))


def _complete(study: "optuna.Study") -> int:
    return sum(trial.state.name == "COMPLETE" for trial in study.trials)


def _space() -> "dict[str, optuna.distributions.BaseDistribution]":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    return {
        "max_depth": IntDistribution(2, 8),
        "learning_rate": FloatDistribution(0.02, 0.3, log=True),
        "columns_per_tree": FloatDistribution(0.1, 1.0),
        "min_child_weight": FloatDistribution(1.0, 200.0, log=True),
        "monotone": CategoricalDistribution([False, True]),
    }


def _parameters(configuration: Configuration) -> dict[str, float]:
    return {name: getattr(configuration, name) for name in _space()}

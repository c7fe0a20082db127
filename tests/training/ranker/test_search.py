"""A search resumes, stops at its limits, and does not learn from the future."""

from contextlib import suppress
from itertools import pairwise

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from training.dataset import Dataset
from training.ranker import Configuration
from training.ranker.configuration import GRID
from training.ranker.search import search_configuration, time_folds


@pytest.fixture
def data(made_dataset):
    return Dataset.load(made_dataset)


def test_each_fold_learns_from_the_past(data):
    folds = list(time_folds(data.part("train", "validate")))

    for past, next_ in folds:
        assert past.column("t").max() < next_.column("t").min()
        assert next_.column("t").max() < data.part("test").column("t").min()
    assert all(a[0].keys.num_rows < b[0].keys.num_rows for a, b in pairwise(folds))


def test_an_interrupted_search_continues(data, tmp_path):
    steps = []

    def run(trials):
        steps.clear()
        return search_configuration(
            data, tmp_path / "j", study="s", trials=trials, progress=lambda *at: steps.append(at)
        )

    assert isinstance(run(2), Configuration)
    assert steps == [(0, 2), (1, 2)]
    run(3)
    assert steps == [(2, 3)]
    run(3)
    assert steps == []


def test_a_search_that_was_killed_in_a_trial_tries_what_it_would_have_tried(data, tmp_path):
    def run(name, trials, stop_at=None):
        def progress(done, _):
            if done == stop_at:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            search_configuration(data, tmp_path / name, study="s", trials=trials, progress=progress)

    def tried(name):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / name)))
        trials = optuna.load_study(study_name="s", storage=storage).trials
        return [trial.params for trial in trials if trial.state.name == "COMPLETE"]

    run("whole", len(GRID) + 2)
    run("killed", len(GRID) + 2, stop_at=1)
    # What a killed process leaves behind: a trial without an end.
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "killed")))
    optuna.load_study(study_name="s", storage=storage).ask()
    run("killed", len(GRID) + 2, stop_at=len(GRID) + 1)
    run("killed", len(GRID) + 2)

    assert tried("killed") == tried("whole")


def test_the_grid_is_tried_first(data, tmp_path):
    assert search_configuration(data, tmp_path / "j", study="s", trials=1) == GRID[0]


def test_a_search_stops_at_its_time_limit_after_at_least_one_trial(data, tmp_path):
    steps = []

    search_configuration(
        data,
        tmp_path / "j",
        study="s",
        trials=50,
        seconds=0.0,
        progress=lambda *at: steps.append(at),
    )

    assert steps == [(0, 50)]


def test_the_test_split_is_not_read(data, tmp_path):
    blind = Dataset(data.facts, data.keys, data.matrix.copy())
    blind.matrix[data.column("split").astype(str) == "test"] = np.nan

    best = [
        search_configuration(one, tmp_path / name, study="s", trials=2)
        for one, name in ((data, "a"), (blind, "b"))
    ]

    assert best[0] == best[1]

"""A search goes on where it was, ends where it must, and knows no future."""

from itertools import pairwise

import numpy as np
import pytest

from training.dataset import Dataset
from training.ranker import Configuration
from training.ranker.configuration import GRID
from training.ranker.search import search_configuration, time_folds


@pytest.fixture
def data(make_dataset):
    return Dataset.load(make_dataset())


def test_each_fold_learns_from_what_came_before(data):
    folds = list(time_folds(data.part("train", "validate")))

    for past, next_ in folds:
        assert past.column("t").max() < next_.column("t").min()
        assert next_.column("t").max() < data.part("test").column("t").min()
    assert all(a[0].keys.num_rows < b[0].keys.num_rows for a, b in pairwise(folds))


def test_a_search_goes_on_where_it_was(data, tmp_path):
    told = []

    def run(trials):
        told.clear()
        return search_configuration(data, tmp_path / "j", study="s", trials=trials,
                      progress=lambda *at: told.append(at))  # fmt: skip

    assert isinstance(run(2), Configuration)
    assert told == [(0, 2), (1, 2)]
    run(3)
    assert told == [(2, 3)]
    run(3)
    assert told == []


def test_the_usual_configurations_are_tried_first(data, tmp_path):
    assert search_configuration(data, tmp_path / "j", study="s", trials=1) == GRID[0]


def test_a_search_ends_when_its_time_is_over_but_not_empty_handed(data, tmp_path):
    told = []

    search_configuration(data, tmp_path / "j", study="s", trials=50, seconds=0.0,
           progress=lambda *at: told.append(at))  # fmt: skip

    assert told == [(0, 50)]


def test_the_test_split_is_not_read(data, tmp_path):
    blind = Dataset(data.facts, data.keys, data.matrix.copy())
    blind.matrix[data.column("split").astype(str) == "test"] = np.nan

    found = [
        search_configuration(one, tmp_path / name, study="s", trials=2)
        for one, name in ((data, "a"), (blind, "b"))
    ]

    assert found[0] == found[1]

"""A dataset that is read on demand equals the one in memory, and gives the same trees.

A file that is small enough is read once; the tests read the same file both ways."""

import gc

import numpy as np
import pyarrow.parquet as pq
import pytest

from training.dataset import Dataset, LazyDataset
from training.dataset.format import KEYS
from training.dataset.lazy import MOST_BYTES
from training.ranker import (
    choose_and_fit,
    early_stopping,
    grow,
    measured_rows,
    quantize,
    train,
)
from training.ranker.configuration import GRID
from training.ranker.quantized import whole_slates


@pytest.fixture
def path(made_dataset, tmp_path):
    """A dataset whose row groups end inside slates."""
    table = pq.read_table(made_dataset)
    pq.write_table(table, tmp_path / "groups.parquet", row_group_size=100)
    return tmp_path / "groups.parquet"


@pytest.fixture(params=[0, MOST_BYTES], ids=["on demand", "at once"])
def both(path, request):
    return Dataset.load(path), LazyDataset.open(path, request.param)


def chosen_parts(data):
    some = np.isin(data.column("qid"), np.random.default_rng(2).choice(150, 40, replace=False))
    one_group = np.arange(data.size) < 60
    parts = [data, data.part("test"), data.part("train", "validate"), data.rows(some)]
    return [*parts, data.rows(some).part("train"), data.rows(one_group), data.part("none")]


def test_rows_columns_and_matrix_equal_those_in_memory(both):
    for in_memory, stored in zip(*map(chosen_parts, both), strict=True):
        assert stored.size == in_memory.size
        assert stored.keys.equals(in_memory.keys)
        np.testing.assert_array_equal(stored.matrix, in_memory.matrix)
        for name in (*KEYS, "taste__lift"):
            np.testing.assert_array_equal(stored.column(name), in_memory.column(name))


def test_selected_features_have_the_requested_order(both):
    names = ["rate__item_all", "taste__lift"]
    in_memory, stored = (data.part("test").features(names) for data in both)

    np.testing.assert_array_equal(stored.matrix, in_memory.matrix)
    np.testing.assert_array_equal(stored.matrix[:, 1], both[0].part("test").column("taste__lift"))
    assert stored.facts == in_memory.facts


def test_batches_contain_all_slates_and_divide_none(both):
    for in_memory, stored in zip(*map(chosen_parts, both), strict=True):
        batches, qid = list(whole_slates(stored)), in_memory.column("qid")
        ends = [rows.stop for rows, _ in batches]

        assert all(qid[end - 1] != qid[end] for end in ends[:-1])
        assert ends[-1:] == [in_memory.size] * bool(in_memory.size)
        assert all(matrix.shape[0] == rows.stop - rows.start for rows, matrix in batches)


def test_a_slate_longer_than_a_row_group_stays_whole(made_dataset, tmp_path):
    rows = pq.read_table(made_dataset).slice(0, 60)
    pq.write_table(rows, tmp_path / "d.parquet", row_group_size=4)
    stored = LazyDataset.open(tmp_path / "d.parquet", most_bytes=0)

    slates = [rows.stop - rows.start for rows, _ in whole_slates(stored)]

    assert slates == [6] * 10


def parameters_of(data):
    return GRID[0].ranking_parameters(data.facts.columns)


def test_rows_in_memory_in_batches_and_in_files_give_the_same_trees(both):
    in_memory, stored = (data.part("train") for data in both)

    def trees(rows):
        booster = grow(parameters_of(in_memory), rows, 20, in_memory.facts.columns)
        return booster.get_dump(dump_format="json")

    expected = trees(quantize(in_memory))
    assert trees(quantize(stored)) == expected
    assert trees(quantize(stored, most_bytes=0)) == expected


def test_quantized_rows_and_floats_measure_each_round_equally(both):
    fitted = quantize(both[0].part("train"))

    def losses(data, **limit):
        watched, history = measured_rows(data.part("validate"), fitted, **limit), {}
        options = early_stopping(watched, 20) | {"evals_result": history}
        grow(parameters_of(data), fitted, 20, data.facts.columns, **options)
        return history["validate"]

    floats = losses(both[0])
    assert floats == losses(both[1])
    assert floats == losses(both[1], most_bytes=0)


def test_temporary_files_are_removed_with_the_rows(both, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    rows = quantize(both[1], most_bytes=0)
    while_used = list((tmp_path / "scratch").rglob("*"))
    del rows
    gc.collect()

    assert while_used
    assert not list((tmp_path / "scratch").iterdir())


def test_the_ranker_trained_from_the_file_equals_the_one_fitted_in_memory(path, tmp_path):
    train(path, tmp_path / "ranker")
    for name, data in (("file", LazyDataset.open(path, 0)), ("memory", Dataset.load(path))):
        choose_and_fit(data)[0].save(tmp_path / name)

    written = {(tmp_path / f / "model.json").read_bytes() for f in ("ranker", "file", "memory")}

    assert len(written) == 1

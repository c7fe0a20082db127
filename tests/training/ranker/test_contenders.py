"""Contenders that other processes have fitted give the same ranker, and are not fitted again."""

import pytest

from feature_repo.home import ArtifactError
from training.ranker import HELD_OUT, MODEL, PARALLEL, TRAINING, fit_contenders, train
from training.ranker.configuration import GRID

QUICK = GRID[:1]


@pytest.fixture(scope="module")
def folder(made_dataset, tmp_path_factory):
    """The contenders of the dataset, each variant fitted separately."""
    folder = tmp_path_factory.mktemp("contenders")
    for variant in PARALLEL:
        fit_contenders(made_dataset, folder, [variant], QUICK)
    return folder


def test_contenders_fitted_apart_give_the_bytes_of_one_training(
    made_dataset, folder, fitted_folder, tmp_path
):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    train(made_dataset, tmp_path / "ranker", grid=QUICK, folder=folder)

    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert len(before) == len(QUICK) + len(PARALLEL)
    for name in (MODEL, TRAINING, HELD_OUT):
        assert (tmp_path / "ranker" / name).read_bytes() == (fitted_folder / name).read_bytes()


def test_a_damaged_contender_is_named(made_dataset, folder, tmp_path):
    whole = next(folder.glob("naive-*"))
    (tmp_path / whole.name).write_bytes(whole.read_bytes()[:-40])

    with pytest.raises(ArtifactError, match=r"naive-.*\.ubj: expected trees of a contender"):
        fit_contenders(made_dataset, tmp_path, PARALLEL, QUICK)

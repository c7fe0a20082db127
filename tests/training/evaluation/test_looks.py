"""A home counts the looks at the test rankings of its log, whatever dataset they are in."""

import json
import shutil
from pathlib import Path

import pytest

from feature_repo.home import ArtifactError
from pipelines.steps import ranker_steps as steps
from tests.training.conftest import write_made
from training.evaluation import compare, evaluate, repeat_trainings
from training.evaluation.evaluate import EVALUATION, PAGE
from training.evaluation.looks import read_looks
from training.evaluation.model_card import CARD


def test_a_new_dataset_of_the_same_log_is_a_further_look(
    shop_home, made_dataset, fitted_folder, tmp_path
):
    first = evaluate(made_dataset, fitted_folder, tmp_path / "first", home=shop_home).to_dict()
    rebuilt = write_made(tmp_path / "rebuilt.parquet", seed=4)

    again = evaluate(made_dataset, fitted_folder, tmp_path / "again", home=shop_home).to_dict()
    second = evaluate(rebuilt, fitted_folder, tmp_path / "second", home=shop_home).to_dict()

    assert first["looks"] == again["looks"] == {"number": 1, "overlapping": 0}
    assert second["looks"] == {"number": 2, "overlapping": 1}
    page, card = ((tmp_path / "second" / name).read_text() for name in (PAGE, CARD))
    assert "Look 2 at the test rankings of this log; 1 earlier" in page
    assert "Look 2 at the test rankings of this log; 1 earlier" in card
    assert json.loads((tmp_path / "second" / EVALUATION).read_text())["looks"] == second["looks"]


def test_the_count_outlives_datasets_and_evaluations(
    shop_home, made_dataset, fitted_folder, tmp_path
):
    for name in ("first", "second"):
        dataset = Path(shutil.copyfile(made_dataset, tmp_path / f"{name}.parquet"))
        steps.evaluate_ranker(shop_home.root, dataset, fitted_folder, shop_home.root / "build")
        dataset.unlink()
        shutil.rmtree(shop_home.root / "build")

    write_made(tmp_path / "third.parquet", seed=5)
    report = steps.evaluate_ranker(
        shop_home.root, tmp_path / "third.parquet", fitted_folder, tmp_path / "out"
    )

    assert report["looks"] == {"number": 2, "overlapping": 1}


def test_comparisons_and_repeated_trainings_are_looks(
    shop_home, made_dataset, fitted_folder, tmp_path
):
    evaluate(made_dataset, fitted_folder, tmp_path / "out", home=shop_home)
    training = json.loads((fitted_folder / "training.json").read_text())

    compare(made_dataset, fitted_folder, fitted_folder, home=shop_home)
    after_itself = len(read_looks(shop_home))
    repeat_trainings(made_dataset, training, 3, home=shop_home)

    assert after_itself == 1
    assert len(read_looks(shop_home)) == 3


def test_a_damaged_count_is_an_error_that_says_what_to_do(
    shop_home, made_dataset, fitted_folder, tmp_path
):
    shop_home.looks.write_text("{}\n")

    with pytest.raises(ArtifactError, match="Restore the file"):
        evaluate(made_dataset, fitted_folder, tmp_path / "out", home=shop_home)

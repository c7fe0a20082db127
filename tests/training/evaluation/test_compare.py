"""Two rankers are compared on the same test slates, even if one has fewer columns."""

import json
import shutil

import numpy as np
import pytest

from feature_repo.home import ArtifactError
from training.dataset import Dataset
from training.evaluation import compare, evaluate
from training.evaluation.evaluation_table import tables
from training.ranker import choose_and_fit
from training.ranker.configuration import GRID
from training.ranker.fitting import save_trained


@pytest.fixture
def dataset(made_dataset):
    return made_dataset


@pytest.fixture
def ranker(fitted_folder):
    return fitted_folder


@pytest.fixture
def columns(fitted):
    return fitted[0].columns


def test_a_ranker_compared_with_itself_has_no_difference(dataset, ranker):
    comparison = compare(dataset, ranker, ranker)

    assert comparison["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert comparison["ranker"] == comparison["other"]


def test_ranker_with_fewer_columns_in_another_order_is_compared(dataset, ranker, columns, tmp_path):
    fewer = Dataset.load(dataset).features(columns[:1:-1])
    older = tmp_path / "older"
    save_trained(*choose_and_fit(fewer, grid=GRID[:1]), dataset, older)

    comparison = compare(dataset, ranker, older)

    alone = evaluate(dataset, ranker, tmp_path / "evaluation").to_dict()
    assert comparison["ranker"]["value"] == pytest.approx(alone["test"]["ndcg@10"])
    difference = comparison["ranker"]["value"] - comparison["other"]["value"]
    assert np.isclose(comparison["difference"]["value"], difference)
    assert comparison["rankings"] == alone["rankings"]["counted"]


def test_table_has_both_rankers_and_their_difference(dataset, ranker, tmp_path):
    report = evaluate(dataset, ranker, tmp_path / "evaluation").to_dict()

    printed = [*tables({**report, "comparison": compare(dataset, ranker, ranker)})]

    (table,) = [
        table for table in printed if str(table.title).startswith(f"Compared with {ranker}")
    ]
    assert [*table.columns[0].cells] == ["ranker", "other", "difference"]


def test_ranker_with_a_missing_column_is_rejected_with_a_clear_error(dataset, ranker, tmp_path):
    fewer = json.loads((ranker / "ranker.json").read_text())
    other = shutil.copytree(ranker, tmp_path / "other")
    renamed = ["no__such", *fewer["columns"][1:]]
    (other / "ranker.json").write_text(json.dumps({**fewer, "columns": renamed}))

    with pytest.raises(ArtifactError, match="no__such"):
        compare(dataset, ranker, other)

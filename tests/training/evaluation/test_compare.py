"""Two rankers are compared on the same test slates, even if one has fewer columns."""

import json

import numpy as np
import pytest

from feature_repo.home import ArtifactError
from training.dataset import Dataset
from training.evaluation import compare, evaluate
from training.evaluation.evaluation_table import tables
from training.ranker import TRAINING, choose_and_fit
from training.ranker.configuration import GRID


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture
def fit(dataset, tmp_path):
    """Fit a ranker on some columns of the dataset and save it in a folder."""

    def keep(name, columns):
        fitted, training = choose_and_fit(Dataset.load(dataset).features(columns), grid=GRID[:1])
        fitted.save(tmp_path / name)
        (tmp_path / name / TRAINING).write_text(json.dumps(training.to_dict()))
        return tmp_path / name

    return keep


@pytest.fixture
def columns(dataset):
    return Dataset.load(dataset).facts.columns


def test_a_ranker_compared_with_itself_has_no_difference(dataset, fit, columns):
    ranker = fit("ranker", columns)

    comparison = compare(dataset, ranker, ranker)

    assert comparison["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert comparison["ranker"] == comparison["other"]


def test_ranker_with_fewer_columns_in_another_order_is_compared(dataset, fit, columns, tmp_path):
    ranker, older = fit("ranker", columns), fit("older", columns[:1:-1])

    comparison = compare(dataset, ranker, older)

    alone = evaluate(dataset, older.parent / "ranker", tmp_path / "evaluation").to_dict()
    assert comparison["ranker"]["value"] == pytest.approx(alone["test"]["ndcg@10"])
    difference = comparison["ranker"]["value"] - comparison["other"]["value"]
    assert np.isclose(comparison["difference"]["value"], difference)
    assert comparison["rankings"] == alone["rankings"]["counted"]


def test_table_has_both_rankers_and_their_difference(dataset, fit, columns, tmp_path):
    ranker = fit("ranker", columns)
    report = evaluate(dataset, ranker, tmp_path / "evaluation").to_dict()

    printed = [*tables({**report, "comparison": compare(dataset, ranker, ranker)})]

    (table,) = [
        table for table in printed if str(table.title).startswith(f"Compared with {ranker}")
    ]
    assert [*table.columns[0].cells] == ["ranker", "other", "difference"]


def test_ranker_with_a_missing_column_is_rejected_with_a_clear_error(dataset, fit, columns):
    ranker = fit("ranker", columns)
    fewer = json.loads((ranker / "ranker.json").read_text())
    other = fit("other", columns)
    renamed = ["no__such", *fewer["columns"][1:]]
    (other / "ranker.json").write_text(json.dumps({**fewer, "columns": renamed}))

    with pytest.raises(ArtifactError, match="no__such"):
        compare(dataset, ranker, other)

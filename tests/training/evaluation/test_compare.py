"""Two rankers are compared on the same test slates, whichever catalogue the older one knew."""

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
    """Fits a ranker on some columns of the dataset and keeps it in a folder."""

    def keep(name, columns):
        fitted, training = choose_and_fit(Dataset.load(dataset).features(columns), grid=GRID[:1])
        fitted.save(tmp_path / name)
        (tmp_path / name / TRAINING).write_text(json.dumps(training.to_dict()))
        return tmp_path / name

    return keep


@pytest.fixture
def columns(dataset):
    return Dataset.load(dataset).facts.columns


def test_a_ranker_is_as_good_as_itself(dataset, fit, columns):
    ranker = fit("ranker", columns)

    found = compare(dataset, ranker, ranker)

    assert found["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["ranker"] == found["other"]


def test_a_ranker_that_knows_fewer_columns_in_another_order_is_measured(
    dataset, fit, columns, tmp_path
):
    ranker, older = fit("ranker", columns), fit("older", columns[:1:-1])

    found = compare(dataset, ranker, older)

    alone = evaluate(dataset, older.parent / "ranker", tmp_path / "evaluation").to_dict()
    assert found["ranker"]["value"] == pytest.approx(alone["test"]["ndcg@10"])
    difference = found["ranker"]["value"] - found["other"]["value"]
    assert np.isclose(found["difference"]["value"], difference)
    assert found["rankings"] == alone["rankings"]["counted"]


def test_both_rankers_and_their_difference_stand_in_a_table(dataset, fit, columns, tmp_path):
    ranker = fit("ranker", columns)
    report = evaluate(dataset, ranker, tmp_path / "evaluation").to_dict()

    told = [*tables({**report, "comparison": compare(dataset, ranker, ranker)})]

    (table,) = [table for table in told if str(table.title).startswith(f"Compared with {ranker}")]
    assert [*table.columns[0].cells] == ["ranker", "other", "difference"]


def test_a_ranker_of_columns_that_are_not_there_is_refused_in_a_sentence(dataset, fit, columns):
    ranker = fit("ranker", columns)
    known = json.loads((ranker / "ranker.json").read_text())
    other = fit("other", columns)
    renamed = ["no__such", *known["columns"][1:]]
    (other / "ranker.json").write_text(json.dumps({**known, "columns": renamed}))

    with pytest.raises(ArtifactError, match="no__such"):
        compare(dataset, ranker, other)

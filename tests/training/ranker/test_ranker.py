"""The ranker learns from taste, rejects other columns than its own, and loads unchanged."""

import json

import numpy as np
import pytest

from feature_repo.home import ArtifactError, DatasetError
from training.artifacts import sha256
from training.dataset import Dataset
from training.metrics import ndcg
from training.ranker import MODEL, TRAINING, Ranker, choose_and_fit, train
from training.ranker.configuration import GRID
from training.ranker.ranker import RANKER
from training.ranker.variants import VARIANTS

QUICK = GRID[:1]


@pytest.fixture
def data(made_dataset):
    return Dataset.load(made_dataset)


@pytest.fixture
def saved(fitted_folder):
    return fitted_folder


def test_the_ranker_beats_the_click_rate_where_taste_decides(data, fitted):
    ranker, _ = fitted
    test = data.part("test")
    gain, qid = test.column("gain"), test.column("qid")

    learned = np.nanmean(ndcg(ranker.apply(test.matrix), gain, qid))
    rated = np.nanmean(ndcg(test.column("rate__item_all"), gain, qid))

    assert learned > rated + 0.1


def test_a_saved_ranker_scores_as_the_fitted_one(data, fitted, saved):
    ranker, _ = fitted

    loaded = Ranker.load(saved)

    np.testing.assert_array_equal(loaded.apply(data.matrix), ranker.apply(data.matrix))
    assert (loaded.columns, loaded.prior) == (ranker.columns, ranker.prior)


def test_the_same_data_gives_the_same_ranker(data, saved, tmp_path):
    choose_and_fit(data, grid=QUICK)[0].save(tmp_path / "again")

    assert (saved / MODEL).read_bytes() == (tmp_path / "again" / MODEL).read_bytes()


def test_slates_without_gain_are_not_in_the_loss(data, fitted):
    _, training = fitted
    learned = data.part("train")
    qid, gain = learned.column("qid"), learned.column("gain")

    assert training.rankings["train"] == np.unique(qid[gain > 0]).size < np.unique(qid).size


def test_the_test_split_is_not_learned_from(data, saved, tmp_path):
    blind = Dataset(data.facts, data.keys, data.matrix.copy())
    blind.matrix[data.column("split").astype(str) == "test"] = 0

    choose_and_fit(blind, grid=QUICK)[0].save(tmp_path / "blind")

    assert (saved / MODEL).read_bytes() == (tmp_path / "blind" / MODEL).read_bytes()


def test_columns_in_another_order_are_rejected_with_the_position(saved):
    ranker = Ranker.load(saved)
    swapped = (ranker.columns[1], ranker.columns[0], *ranker.columns[2:])

    with pytest.raises(ArtifactError, match=f"expected {ranker.columns[0]} at position 0"):
        ranker.apply(np.zeros((2, len(swapped)), np.float32), swapped)


def test_missing_and_surplus_columns_are_rejected_by_name(saved):
    ranker = Ranker.load(saved)
    others = (*ranker.columns[1:], "new__feature")

    with pytest.raises(ArtifactError, match=rf"missing \['{ranker.columns[0]}'\].*new__feature"):
        ranker.apply(np.zeros((2, len(others)), np.float32), others)


def test_a_matrix_of_another_width_is_rejected(saved):
    ranker = Ranker.load(saved)

    with pytest.raises(ArtifactError, match="the matrix has 3"):
        ranker.apply(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, np.float64])
def test_scores_equal_the_predictions_of_xgboost(saved, data, layout):
    ranker = Ranker.load(saved)

    for rows in (1, 2, 64, 65, 200):
        matrix = data.matrix[:rows].copy()
        matrix[::3] = np.nan

        expected = ranker.booster.inplace_predict(matrix, validate_features=False)

        np.testing.assert_array_equal(ranker.apply(layout(matrix)), expected)


def test_no_candidates_have_no_scores(saved):
    ranker = Ranker.load(saved)

    assert ranker.apply(np.empty((0, len(ranker.columns)), np.float32)).shape == (0,)


def test_contributions_are_given_by_column(saved, data):
    ranker = Ranker.load(saved)

    shares = ranker.contributions(data.matrix[:5])

    assert shares.shape == (5, len(ranker.columns))
    assert np.abs(shares[:, ranker.columns.index("taste__lift")]).sum() > 0


def test_a_ranker_whose_columns_and_trees_differ_is_rejected(saved):
    table = json.loads((saved / RANKER).read_text())
    (saved / RANKER).write_text(json.dumps({**table, "columns": table["columns"][1:]}))

    with pytest.raises(ArtifactError, match="the trees read"):
        Ranker.load(saved)


def test_a_ranker_of_an_older_version_is_rejected_with_what_to_do(saved):
    table = json.loads((saved / RANKER).read_text())
    del table["feature_service"]
    (saved / RANKER).write_text(json.dumps(table))

    with pytest.raises(ArtifactError, match=r"lacks 'feature_service'\); `aisle train` makes"):
        Ranker.load(saved)


@pytest.mark.parametrize("file", [MODEL, RANKER])
def test_a_damaged_ranker_is_rejected(saved, file):
    (saved / file).write_bytes((saved / file).read_bytes()[:-40])

    with pytest.raises(ArtifactError, match="expected a ranker"):
        Ranker.load(saved)


def test_a_dataset_without_clicks_is_rejected_with_a_clear_error(data):
    keys = data.keys.set_column(
        data.keys.column_names.index("gain"), "gain", [np.zeros(len(data.matrix), np.float32)]
    )

    with pytest.raises(DatasetError, match="no ranking with a click"):
        choose_and_fit(Dataset(data.facts, keys, data.matrix), grid=QUICK)


def test_training_writes_its_trials(made_dataset, tmp_path):
    steps = []

    training = train(made_dataset, tmp_path / "out", progress=lambda *at: steps.append(at))

    stored = json.loads((tmp_path / "out" / TRAINING).read_text())
    hashes = stored.pop("hashes")
    assert hashes["model"] == sha256(tmp_path / "out" / MODEL)
    assert hashes["dataset"] == sha256(made_dataset)
    assert stored == json.loads(json.dumps(training.to_dict()))
    assert len(stored["trials"]) == len(GRID) + len(VARIANTS) - 1 == len(steps) + 1
    assert {trial["contender"] for trial in stored["trials"]} == set(VARIANTS)
    assert stored["chosen"]["contender"] == stored["choice"]["contender"]

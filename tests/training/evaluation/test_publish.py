"""A ranker is published with its evaluation, unless the gate rejects it."""

import json
import shutil

import numpy as np
import pytest

from feature_repo.home import ArtifactError
from tests.training.conftest import save_trained
from training.artifacts import Popularity, current, verify
from training.artifacts.popularity import FILE
from training.dataset import item_counts
from training.evaluation import evaluate, publish_ranker
from training.evaluation.evaluate import EVALUATION
from training.ranker import TRAINING, Ranker


@pytest.fixture(scope="module")
def evaluated(made_dataset, fitted, tmp_path_factory):
    """A folder with a ranker and its evaluation."""
    folder = tmp_path_factory.mktemp("evaluated")
    ranker = save_trained(*fitted, folder / "ranker")
    evaluate(made_dataset, ranker, folder / "evaluation")
    return folder


@pytest.fixture
def learned(evaluated, tmp_path):
    """Copies of the ranker and evaluation folders, which a test may change."""
    folder = shutil.copytree(evaluated, tmp_path / "learned")
    return folder / "ranker", folder / "evaluation"


def test_the_ranker_is_published_with_its_evaluation(home, learned):
    publication = publish_ranker(home, *learned, name="default")

    folder = current(home, "ranker", "default")
    manifest = verify(folder)
    assert folder.name == publication.ranker
    assert manifest.columns == Ranker.load(folder).columns
    assert manifest.metrics["test"] == json.loads((folder / EVALUATION).read_text())["test"]
    assert manifest.parents.keys() == {"dataset_sha256", "code_sha256"}


def test_popularity_is_published_although_the_gate_rejects_the_ranker(home, learned):
    ranker, evaluation = learned
    publication = json.loads((ranker / TRAINING).read_text())
    publication["verdict"] |= {"publish": False, "reason": "It is worse."}
    (ranker / TRAINING).write_text(json.dumps(publication))

    publication = publish_ranker(home, ranker, evaluation, name="default")

    assert publication.to_dict() == {
        "ranker": None,
        "popularity": current(home, "popularity", "default").name,
        "reason": "It is worse.",
    }
    with pytest.raises(ArtifactError):
        current(home, "ranker", "default")


def test_an_evaluation_of_another_ranker_is_rejected(home, learned):
    ranker, evaluation = learned
    publication = json.loads((evaluation / EVALUATION).read_text())
    publication["identity"]["model"] = "0" * 64
    (evaluation / EVALUATION).write_text(json.dumps(publication))

    with pytest.raises(ArtifactError, match="another ranker"):
        publish_ranker(home, ranker, evaluation, name="default")


def test_ranker_without_an_evaluation_is_not_published(home, learned, tmp_path):
    with pytest.raises(ArtifactError, match=r"evaluation\.json"):
        publish_ranker(home, learned[0], tmp_path / "none", name="default")


def test_popularity_counts_the_log(simulated_home):
    counts = item_counts(simulated_home).to_pydict()
    popularity = Popularity.fit(simulated_home)

    most = counts["item_id"][int(np.argmax(np.divide(counts["clicks"], counts["impressions"])))]

    assert sum(counts["clicks"]) > 0
    assert popularity.apply([most])[0] > popularity.unknown
    assert popularity.apply(["never shown"])[0] == popularity.unknown


def test_saved_snapshot_loads_unchanged(simulated_home, tmp_path):
    popularity = Popularity.fit(simulated_home)
    popularity.save(tmp_path)

    assert Popularity.load(tmp_path) == popularity


def test_a_shop_without_events_has_an_empty_snapshot(home):
    popularity = Popularity.fit(home)

    assert popularity.apply(["a", "b"]).tolist() == [0, 0]


def test_a_damaged_snapshot_is_rejected(tmp_path):
    for content in ("", "[]", '{"scores": 3}'):
        (tmp_path / FILE).write_text(content)
        with pytest.raises(ArtifactError, match="expected a popularity snapshot"):
            Popularity.load(tmp_path)

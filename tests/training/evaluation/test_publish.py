"""A ranker is published with its evaluation, unless the gate rejects it."""

import json
import shutil

import pytest

from feature_repo.home import ArtifactError
from tests.training.conftest import save_trained
from training.artifacts import current, find_version, verify
from training.evaluation import evaluate, publish_ranker, reject_ranker, write_verdict
from training.evaluation.evaluate import EVALUATION, PAGE
from training.evaluation.publish import VERDICT
from training.ranker import TRAINING, Ranker


@pytest.fixture(scope="module")
def evaluated(made_dataset, fitted, tmp_path_factory):
    """A folder with a ranker and its evaluation."""
    folder = tmp_path_factory.mktemp("evaluated")
    ranker = save_trained(*fitted, folder / "ranker")
    evaluate(made_dataset, ranker, folder / "evaluation")
    return folder


def publish(home, ranker, evaluation, *, force=False):
    """Publish or store a ranker as the gate decides."""
    verdict = evaluation.parent / "verdict"
    decided = write_verdict(ranker, evaluation, verdict, force=force)
    move = publish_ranker if decided.decision == "publish" else reject_ranker
    return move(home, ranker, evaluation, verdict, name="default")


@pytest.fixture
def learned(evaluated, tmp_path):
    """Copies of the ranker and evaluation folders, which a test may change."""
    folder = shutil.copytree(evaluated, tmp_path / "learned")
    return folder / "ranker", folder / "evaluation"


def test_the_ranker_is_published_with_its_evaluation(home, learned):
    publication = publish(home, *learned)

    folder = current(home, "ranker", "default")
    manifest = verify(folder)
    assert folder.name == publication.ranker
    assert manifest.columns == Ranker.load(folder).columns
    assert manifest.metrics["test"] == json.loads((folder / EVALUATION).read_text())["test"]
    assert manifest.parents.keys() >= {"dataset_sha256", "code_sha256"}


def test_a_ranker_that_the_gate_rejects_is_stored_and_not_used(home, learned):
    ranker, evaluation = learned
    publication = json.loads((ranker / TRAINING).read_text())
    publication["verdict"] |= {"publish": False, "reason": "It is worse."}
    (ranker / TRAINING).write_text(json.dumps(publication))

    publication = publish(home, ranker, evaluation)

    version = find_version(home, "default", publication.rejected)
    assert (publication.ranker, version.state, version.reason) == (None, "rejected", "It is worse.")
    assert (version.folder / PAGE).exists()
    with pytest.raises(ArtifactError):
        current(home, "ranker", "default")


def test_a_rejected_ranker_is_published_by_force_and_says_so(home, learned):
    ranker, evaluation = learned
    trained = json.loads((ranker / TRAINING).read_text())
    trained["verdict"] |= {"publish": False, "reason": "It is worse."}
    (ranker / TRAINING).write_text(json.dumps(trained))

    publication = publish(home, ranker, evaluation, force=True)

    assert publication.ranker == current(home, "ranker", "default").name
    assert publication.reason == (
        "Published by --force, although the gate rejects it: It is worse."
    )


def test_an_evaluation_of_another_ranker_is_rejected(home, learned):
    ranker, evaluation = learned
    publication = json.loads((evaluation / EVALUATION).read_text())
    publication["identity"]["model"] = "0" * 64
    (evaluation / EVALUATION).write_text(json.dumps(publication))

    with pytest.raises(ArtifactError, match="another ranker"):
        publish(home, ranker, evaluation)


def test_ranker_without_an_evaluation_is_not_published(home, learned, tmp_path):
    with pytest.raises(ArtifactError, match=r"evaluation\.json"):
        publish(home, learned[0], tmp_path / "none")


def test_a_ranker_is_not_published_against_the_verdict_or_with_that_of_another(home, learned):
    ranker, evaluation = learned
    verdict = evaluation.parent / "verdict"
    write_verdict(ranker, evaluation, verdict)
    decided = json.loads((verdict / VERDICT).read_text())

    with pytest.raises(ArtifactError, match="decided to publish"):
        reject_ranker(home, ranker, evaluation, verdict, name="default")

    (verdict / VERDICT).write_text(json.dumps(decided | {"model": "0" * 64}))
    with pytest.raises(ArtifactError, match="another ranker"):
        publish_ranker(home, ranker, evaluation, verdict, name="default")

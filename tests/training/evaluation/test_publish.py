"""A ranker is published with its evaluation, unless the gate rejects it."""

import json
import shutil
from dataclasses import replace

import pytest

from feature_repo.home import ArtifactError
from training.artifacts import current, find_version, verify
from training.evaluation import evaluate, publish_ranker, reject_ranker
from training.evaluation.evaluate import EVALUATION, PAGE
from training.gate import PUBLISH, VERDICT, VERDICT_PAGE, Verdict, check_ranker
from training.ranker import HELD_OUT, HeldOut, Ranker
from training.ranker.fitting import save_trained


@pytest.fixture(scope="module")
def evaluated(made_dataset, fitted, tmp_path_factory):
    """A folder with a ranker and its evaluation."""
    folder = tmp_path_factory.mktemp("evaluated")
    save_trained(*fitted, made_dataset, folder / "ranker")
    evaluate(made_dataset, folder / "ranker", folder / "evaluation")
    return folder


@pytest.fixture
def learned(evaluated, tmp_path):
    """Copies of the ranker and evaluation folders, which a test may change."""
    folder = shutil.copytree(evaluated, tmp_path / "learned")
    return folder / "ranker", folder / "evaluation"


@pytest.fixture
def publish(shop_home, made_dataset):
    """Returns a function that publishes or stores a ranker as the gate decides."""

    def publish(ranker, evaluation, **options):
        verdict = evaluation.parent / "verdict"
        decided = check_ranker(shop_home, made_dataset, ranker, **options)
        decided.save(verdict)
        move = publish_ranker if decided.decision == PUBLISH else reject_ranker
        return move(shop_home, ranker, evaluation, verdict, name="default")

    return publish


def test_the_ranker_is_published_with_its_evaluation(shop_home, publish, learned):
    publication = publish(*learned)

    folder = current(shop_home, "ranker", "default")
    manifest = verify(folder)
    assert folder.name == publication.ranker
    assert manifest.columns == Ranker.load(folder).columns
    assert manifest.metrics["test"] == json.loads((folder / EVALUATION).read_text())["test"]
    assert manifest.parents.keys() >= {"dataset_sha256", "code_sha256"}
    assert not (folder / HELD_OUT).exists()


def test_a_ranker_that_the_gate_rejects_is_stored_with_its_verdict(shop_home, publish, learned):
    ranker, evaluation = learned
    plant_reversed_scores(ranker)

    publication = publish(ranker, evaluation)

    version = find_version(shop_home, "default", publication.rejected)
    assert (publication.ranker, version.state) == (None, "rejected")
    assert "the interval is not above zero" in version.reason
    assert Verdict.load(version.folder).reason == version.reason
    assert version.reason in (version.folder / VERDICT_PAGE).read_text()
    assert (version.folder / PAGE).exists()
    with pytest.raises(ArtifactError):
        current(shop_home, "ranker", "default")


def test_a_rejected_ranker_is_published_by_force_and_says_so(shop_home, publish, learned):
    ranker, evaluation = learned
    plant_reversed_scores(ranker)

    publication = publish(ranker, evaluation, force=True)

    assert publication.ranker == current(shop_home, "ranker", "default").name
    assert publication.reason.startswith(
        "Published by --force, although the gate rejects it. On the validation split"
    )


def test_an_evaluation_of_another_ranker_is_rejected(publish, learned):
    ranker, evaluation = learned
    publication = json.loads((evaluation / EVALUATION).read_text())
    publication["identity"]["model"] = "0" * 64
    (evaluation / EVALUATION).write_text(json.dumps(publication))

    with pytest.raises(ArtifactError, match="another ranker"):
        publish(ranker, evaluation)


def test_ranker_without_an_evaluation_is_not_published(publish, learned, tmp_path):
    with pytest.raises(ArtifactError, match=r"evaluation\.json"):
        publish(learned[0], tmp_path / "none")


def test_a_ranker_is_not_published_against_the_verdict_or_with_that_of_another(
    shop_home, made_dataset, learned
):
    ranker, evaluation = learned
    verdict = evaluation.parent / "verdict"
    check_ranker(shop_home, made_dataset, ranker).save(verdict)
    decided = json.loads((verdict / VERDICT).read_text())

    with pytest.raises(ArtifactError, match="decided to publish"):
        reject_ranker(shop_home, ranker, evaluation, verdict, name="default")

    (verdict / VERDICT).write_text(json.dumps(decided | {"model": "0" * 64}))
    with pytest.raises(ArtifactError, match="another ranker"):
        publish_ranker(shop_home, ranker, evaluation, verdict, name="default")


def plant_reversed_scores(ranker):
    """Let the compared trees rank the best item last."""
    held_out = HeldOut.load(ranker / HELD_OUT)
    replace(held_out, scores=-held_out.scores).save(ranker / HELD_OUT)

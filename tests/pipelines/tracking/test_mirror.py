"""MLflow shows every stored ranker, and its aliases follow the one in use."""

import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from feature_repo.home import Home
from pipelines.cli.main import main
from pipelines.tracking.mirror import track_rankers
from training.artifacts import SHADOW_MODEL, publish_version

CARD = {
    "metrics": {
        "ndcg@10": {"value": 0.5, "low": 0.4, "high": 0.6},
        "coverage@10": {"value": 0.3, "low": None, "high": None},
    },
    "model": {"chosen": {"contender": "naive", "configuration": {"max_depth": 4}}},
}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """An empty tracking database: MLflow makes its tables once, which takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    MlflowClient(f"sqlite:///{folder}/empty.db").search_experiments()
    return folder / "empty.db"


@pytest.fixture
def uri(database, tmp_path, monkeypatch):
    shutil.copyfile(database, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)  # MLflow writes artifacts to the present folder.
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def stored(home, text, *, name="default", use=True):
    build = home.root.parent / f"{name}-{text}"
    build.mkdir()
    (build / "model.json").write_text(text)
    (build / "model_card.json").write_text(json.dumps(CARD))
    extra = {"parents": {"dataset_sha256": "d" * 64}}
    return publish_version(home, name, build, extra, reason=f"It is {text}.", use=use)


def alias(client, home, name):
    title = f"{home.project}-default"
    return client.get_model_version_by_alias(title, name).tags["aisle.version"]


def test_each_ranker_is_a_run_with_metrics_intervals_lineage_and_files(home, uri):
    version = stored(home, "good")

    assert "1 are new" in track_rankers(home, uri)

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(f"{home.project}-default")
    (run,) = client.search_runs([experiment.experiment_id])
    ends = {"ndcg_at_10": 0.5, "ndcg_at_10_low": 0.4, "ndcg_at_10_high": 0.6}
    assert run.data.metrics == ends | {"coverage_at_10": 0.3}
    assert run.data.params == {"contender": '"naive"', "configuration.max_depth": "4"}
    assert run.data.tags["lineage.dataset"] == "d" * 64
    assert (run.info.status, run.info.run_name) == ("FINISHED", version)
    folder = Path(client.download_artifacts(run.info.run_id, "ranker"))
    assert (folder / "model.json").read_text() == "good"


def test_aliases_follow_the_ranker_in_use_and_the_shadow(home, uri):
    first, second = stored(home, "first"), stored(home, "second")
    shadow = stored(home, "careful", name=SHADOW_MODEL)
    client = MlflowClient(uri)

    track_rankers(home, uri)
    before = [alias(client, home, name) for name in ("champion", "challenger")]
    assert main(["models", "rollback", "--reason", "It was better."]) == 0

    assert before == [second, shadow]
    assert [alias(client, home, name) for name in ("champion", "challenger")] == [first, shadow]
    versions = client.search_model_versions(f"name = '{home.project}-default'")
    states = {one.tags["aisle.version"]: one.tags["aisle.state"] for one in versions}
    assert states == {first: "in use", second: "former", shadow: "in use"}


@pytest.mark.parametrize("ended", ["artifacts", "current"])
def test_a_shadow_that_ended_is_no_challenger(home, uri, ended):
    stored(home, "good")
    stored(home, "careful", name=SHADOW_MODEL)
    track_rankers(home, uri)
    client, title = MlflowClient(uri), f"{home.project}-default"
    before = {*client.get_registered_model(title).aliases}

    (home.current / "ranker" / SHADOW_MODEL).unlink()
    if ended == "artifacts":
        shutil.rmtree(home.artifacts / "ranker" / SHADOW_MODEL)
    track_rankers(home, uri)

    assert before == {"champion", "challenger"}
    assert {*client.get_registered_model(title).aliases} == {"champion"}


def test_a_second_call_records_nothing_and_completes_what_was_interrupted(home, uri):
    version = stored(home, "good")
    client = MlflowClient(uri)
    title = f"{home.project}-default"
    left = client.create_run(client.create_experiment(title), tags={"aisle.version": version})

    sentences = [track_rankers(home, uri) for _ in range(2)]

    experiment = client.get_experiment_by_name(title).experiment_id
    runs = [run.info.run_id for run in client.search_runs([experiment])]
    assert ["1 are new" in sentences[0], "0 are new" in sentences[1]] == [True, True]
    assert len(runs) == 1
    assert left.info.run_id not in runs


def test_a_server_that_is_away_fails_nothing_and_is_named(home, monkeypatch, caplog):
    stored(home, "first")
    stored(home, "second")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    status = main(["models", "rollback", "--reason", "It was better.", "--json"])

    assert status == 0
    assert "MLflow failed, and the next training tries again" in caplog.text

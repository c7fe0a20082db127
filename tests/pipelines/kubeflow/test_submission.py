"""Pipelines are submitted through the HTTP API of Kubeflow Pipelines."""

import json

import pytest

from pipelines.cli.main import main
from pipelines.kubeflow.cluster import DEFAULT_FILE
from tests.pipelines.kubeflow.kubeflow_api import kubeflow_api


@pytest.fixture
def api(monkeypatch, tmp_path):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    with kubeflow_api() as served:
        yield served


def submit(url, *options, capsys):
    assert main(["pipeline", "submit", "indices", "--host", url, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_starts_from_an_uploaded_version_in_the_experiment(api, capsys):
    url, state = api

    submitted = submit(url, "--experiment", "nightly", "--namespace", "shop", capsys=capsys)

    (run,) = state.runs
    (experiment,) = state.experiments
    assert (experiment.display_name, experiment.namespace) == ("nightly", "shop")
    assert (run.run_id, run.experiment_id) == (submitted["run_id"], experiment.experiment_id)
    assert run.display_name == f"indices {submitted['version']}"
    assert state.pipelines[0].description.startswith("Fit and publish")
    pods = state.versions[-1].pipeline_spec["platform_spec"]["platforms"]["kubernetes"]
    assert "exec-publish-indexes" in pods["deploymentSpec"]["executors"]


def test_the_same_pipeline_is_uploaded_once_and_another_text_is_a_new_version(
    api, capsys, tmp_path
):
    url, state = api
    other = tmp_path / "cluster.toml"
    other.write_text(DEFAULT_FILE.read_text().replace('"aisle:dev"', '"registry.example/aisle:2"'))

    first = submit(url, capsys=capsys)
    again = submit(url, capsys=capsys)
    changed = submit(url, "--cluster", str(other), capsys=capsys)

    assert again["version_id"] == first["version_id"] != changed["version_id"]
    assert changed["pipeline_id"] == first["pipeline_id"]
    assert "registry.example/aisle:2" in json.dumps(state.versions[-1].pipeline_spec)
    assert len(state.pipelines) == 1


def test_parameters_reach_the_run_with_their_types(api, capsys):
    url, state = api

    words = ["--search", "5", "--horizon-days", "7", "--metric", "map", "--force"]
    main(["pipeline", "submit", "retrain", "--host", url, *words])

    assert state.runs[0].runtime_config.parameters == {
        "search": 5,
        "horizon_days": 7.0,
        "metrics": ["map"],
        "force": True,
    }


def test_a_schedule_replaces_the_schedule_before_it(api, capsys):
    url, state = api

    submit(url, "--schedule", "0 0 3 * * *", capsys=capsys)
    later = submit(url, "--schedule", "0 0 4 * * *", capsys=capsys)

    (recurring,) = state.recurring
    assert recurring.recurring_run_id == later["recurring_run_id"]
    assert recurring.trigger.cron_schedule.cron == "0 0 4 * * *"
    assert (recurring.max_concurrency, recurring.no_catchup) == ("1", True)
    assert state.runs == []


def test_the_status_lists_the_runs_of_a_pipeline(api, capsys):
    url, _ = api
    run = submit(url, capsys=capsys)
    main(["pipeline", "submit", "verify", "--host", url])
    capsys.readouterr()

    assert main(["pipeline", "status", "indices", "--host", url, "--json"]) == 0

    (listed,) = json.loads(capsys.readouterr().out)["runs"]
    assert (listed["run"], listed["state"]) == (run["run_id"], "PENDING")


def test_a_refusal_of_the_api_is_one_sentence(api, capsys):
    url, state = api
    state.refusal = 403

    assert main(["pipeline", "submit", "indices", "--host", url]) == 1

    error = capsys.readouterr().err
    assert "expected Kubeflow to accept the request, found status 403" in error
    assert "the user may not do this" in error


def test_a_submission_without_a_host_says_what_it_needs(capsys):
    assert main(["pipeline", "submit", "indices"]) == 1

    assert "aisle pipeline submit: expected --host URL" in capsys.readouterr().err

"""The retraining pipeline runs the same steps locally and on a cluster, and reports failures."""

import json
import re
from itertools import pairwise

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from feature_repo.events.ingest import ingest
from feature_repo.feast_repo import repository
from feature_repo.home import Clock, Home, PipelineError, Settings
from feature_repo.online.redis import RedisAddress
from pipelines.catalogue import pipelines
from pipelines.catalogue.retrain import RETRAIN
from pipelines.declarations import HOME, Resources, Step
from pipelines.kubeflow import compile_pipeline, run_pipeline
from training.artifacts import current, find_version
from training.studies.simulation import simulate

UPDATE = "run `pytest --update-golden` if the change is intended"


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Every pipeline, compiled, by name."""
    folder = tmp_path_factory.mktemp("compiled")
    return {
        name: compile_pipeline(one, folder / f"{name}.yaml").read_text()
        for name, one in pipelines().items()
    }


@pytest.fixture(scope="module")
def documents(texts):
    return list(yaml.safe_load_all(texts["retrain"]))


@pytest.mark.parametrize("name", pipelines())
def test_a_compiled_pipeline_equals_its_golden_file(name, texts, golden):
    masked = re.sub(r"^sdkVersion: .*$", "sdkVersion: kfp-masked", texts[name], flags=re.MULTILINE)

    assert masked == golden(f"pipelines/{name}.yaml", masked), UPDATE


@pytest.mark.parametrize("name", pipelines())
def test_a_compiled_pipeline_is_a_valid_specification(name, texts):
    pipeline, platform = yaml.safe_load_all(texts[name])

    spec = json_format.ParseDict(pipeline, PipelineSpec())

    assert spec.pipeline_info.name == name.replace("_", "-")
    assert {*spec.root.input_definitions.parameters} == {
        parameter.name for parameter in pipelines()[name].parameters
    }
    json_format.ParseDict(platform, PlatformSpec())


def test_a_pipeline_compiles_to_the_same_text_again(texts, tmp_path):
    again = compile_pipeline(pipelines()["backfill"], tmp_path / "backfill.yaml")

    assert again.read_text() == texts["backfill"]


def test_days_are_validated_in_a_loop_that_the_backfill_waits_for(texts):
    pipeline = next(iter(yaml.safe_load_all(texts["backfill"])))
    tasks = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    (loop,) = [name for name, task in tasks.items() if "parameterIterator" in task]

    days = tasks[loop]["parameterIterator"]["items"]["inputParameter"]
    assert days.startswith("pipelinechannel--split-days-")
    assert loop in tasks["backfill-days"]["dependentTasks"]


def tasks_of(pipeline):
    """All tasks of a compiled pipeline by name, those within conditions and handlers too."""
    dags = [
        pipeline["root"]["dag"],
        *(c["dag"] for c in pipeline["components"].values() if "dag" in c),
    ]
    return {name: task for dag in dags for name, task in dag["tasks"].items()}


def executors(documents):
    """The executor of each step of the compiled pipeline, by the step's name."""
    components = documents[0]["components"].values()
    containers = documents[0]["deploymentSpec"]["executors"]
    labels = [part["executorLabel"] for part in components if "executorLabel" in part]
    return {
        label.removeprefix("exec-").replace("-", "_"): containers[label]["container"]
        for label in labels
    }


def test_every_declared_step_has_a_component_that_runs_it(documents):
    compiled = executors(documents)

    assert set(compiled) == {step.name for step in RETRAIN.all_steps}
    for name, container in compiled.items():
        assert f'run_step("{name}", ' in container["command"][-1]


def test_every_step_has_its_declared_resources_and_retries(documents):
    compiled, tasks = executors(documents), tasks_of(documents[0])

    for step in RETRAIN.all_steps:
        resources = compiled[step.name]["resources"]
        task = tasks[step.name.replace("_", "-")]
        assert resources["resourceCpuRequest"] == step.resources.cpu
        assert resources["resourceMemoryRequest"] == step.resources.memory
        assert task["retryPolicy"]["maxRetryCount"] == step.retry


def test_steps_run_in_the_declared_order(documents):
    tasks = tasks_of(documents[0])
    names = [step.name.replace("_", "-") for step in RETRAIN.steps if not step.when]

    for previous, name in pairwise(names):
        assert previous in tasks[name]["dependentTasks"]


def test_the_gate_chooses_between_publishing_and_rejecting(documents):
    conditions = [
        (task["triggerPolicy"]["condition"], task["dependentTasks"], task["componentRef"]["name"])
        for task in tasks_of(documents[0]).values()
        if "condition" in task.get("triggerPolicy", {})
    ]

    chosen = {
        condition.rpartition("== ")[2]: [*documents[0]["components"][component]["dag"]["tasks"]]
        for condition, _, component in conditions
    }
    assert chosen == {"'publish'": ["publish-ranker"], "'reject'": ["reject-ranker"]}
    assert all("check-gate" in dependent for _, dependent, _ in conditions)


def test_the_report_runs_at_the_exit_whatever_happened(documents):
    task = documents[0]["root"]["dag"]["tasks"]["report-run"]

    assert task["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert task["inputs"]["parameters"]["status"] == {
        "taskFinalStatus": {"producerTask": "exit-handler-1"}
    }


def test_an_added_step_is_compiled_from_its_declaration(tmp_path):
    def count_events(home):
        """Count the events of the home."""
        return {"events": 0, "home": str(home)}

    step = Step("count_events", count_events, (HOME,), (), Resources("0.5", "512M"), retry=3)

    text = compile_pipeline(RETRAIN.with_steps([step]), tmp_path / "retrain.yaml").read_text()

    pipeline = next(iter(yaml.safe_load_all(text)))
    task = tasks_of(pipeline)["count-events"]
    assert task["dependentTasks"] == ["publish-indexes"]
    assert task["retryPolicy"]["maxRetryCount"] == 3
    assert "def count_events(" in text


def test_a_step_takes_its_result_from_the_cache_if_its_inputs_determine_it(documents):
    tasks = tasks_of(documents[0])

    for step in RETRAIN.all_steps:
        task = tasks[step.name.replace("_", "-")]
        assert task["cachingOptions"] == ({"enableCache": True} if step.cached else {})
        assert ("run_id" in task["inputs"]["parameters"]) == (not step.cached)


def test_every_step_that_takes_the_home_mounts_it(documents):
    pipeline, platform = documents
    takers = {
        component["executorLabel"]
        for component in pipeline["components"].values()
        if "executorLabel" in component
        and "home" in component["inputDefinitions"].get("parameters", {})
    }

    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert takers == {name for name, pod in pods.items() if "pvcMount" in pod}
    assert {pod["activeDeadlineSeconds"] for pod in pods.values()} == {"7200"}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A home with a small simulated shop, and the report of a pipeline run in it.

    It takes half a minute: each of the eight steps runs in its own process, as in a cluster.
    """
    home = Home(tmp_path_factory.mktemp("learned") / "home")
    events = simulate(home.root / "shop.jsonl", users=120, items=80, days=12)
    ingest([events], home=home, clock=Clock.of(Settings(home, clock="2026-01-18T00:00:00Z")))
    repository.render(home, RedisAddress.local(6379))
    repository.apply(home)
    return home, run_pipeline(RETRAIN, home)


def test_a_local_run_publishes_the_ranker_it_measured(learned):
    home, published = learned

    evaluation = json.loads((home.current / "ranker" / "default" / "evaluation.json").read_text())

    assert published
    assert 0 < evaluation["test"]["ndcg@10"] <= 1


def test_a_run_that_is_not_better_is_rejected_with_its_reason_and_changes_nothing(learned):
    home, published = learned
    before = current(home, "ranker", "default")

    rejected = run_pipeline(RETRAIN, home)

    assert current(home, "ranker", "default") == before
    assert (published["ranker"], rejected["ranker"]) == (before.name, None)
    assert "not above zero" in rejected["reason"]
    assert find_version(home, "default", rejected["rejected"]).state == "rejected"
    runs = [*map(json.loads, (home.root / "kubeflow/runs.jsonl").read_text().splitlines())]
    assert [run["state"] for run in runs] == ["SUCCEEDED", "SUCCEEDED"]


def test_a_local_run_publishes_the_candidate_indexes(learned):
    home, _ = learned

    assert (home.current / "lexical" / "default").exists()


def test_a_run_writes_the_report_pages_and_figures(learned):
    home, _ = learned
    run = min((home.root / "kubeflow" / "runs").iterdir())

    measured = json.loads((run / "evaluate-ranker" / "executor_output.json").read_text())

    assert "<html" in (run / "evaluate-ranker" / "page").read_text()
    assert (run / "transform-features" / "summary").read_text().startswith("# Features")
    (metrics,) = measured["artifacts"]["figures"]["artifacts"]
    assert 0 < metrics["metadata"]["test/ndcg@10"] <= 1


def test_a_file_that_is_not_yaml_is_rejected(tmp_path):
    with pytest.raises(PipelineError, match=r"ending in \.yaml .* found .*retrain\.txt"):
        compile_pipeline(RETRAIN, tmp_path / "retrain.txt")


def test_a_failed_step_fails_the_run_and_is_named(tmp_path, monkeypatch, capfd):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    (home / "log").write_text("a file where a folder is expected")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    with pytest.raises(PipelineError, match="Inner task failed: 'transform-features'"):
        run_pipeline(RETRAIN, Home(home))

    printed = capfd.readouterr()
    assert printed.out == ""
    assert "Traceback" in printed.err
    assert list(elsewhere.iterdir()) == []
    assert (home / "kubeflow" / "runs").is_dir()
    run = json.loads((home / "kubeflow" / "runs.jsonl").read_text())
    assert run["state"] == "FAILED"
    assert "failed" in run["error"]

"""The retraining pipeline runs the same steps locally and on a cluster, and reports failures."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from feature_repo.events.ingest import ingest
from feature_repo.feast_repo import repository
from feature_repo.home import CHECKOUT, Clock, Home, PipelineError, Settings
from feature_repo.online.redis import RedisAddress
from pipelines.catalogue import pipelines
from pipelines.catalogue.retrain import RETRAIN
from pipelines.cli.main import main
from pipelines.declarations import HOME, Resources, Step
from pipelines.kubeflow import compile_pipeline, run_pipeline
from pipelines.kubeflow.run_step import content_hash
from pipelines.steps import code_version, ranker_steps, recent_runs
from training.artifacts import current, find_version
from training.artifacts.artifact import load_manifest
from training.ranker import PARALLEL
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
    loop = next(name for name, task in tasks.items() if "parameterIterator" in task)
    names = [
        loop if step.each else step.name.replace("_", "-")
        for step in RETRAIN.steps
        if not step.when
    ]

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
        assert ("run_id" in task["inputs"].get("parameters", {})) == (not step.cached)


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


KILLED_IN = [step.name for step in RETRAIN.steps if step.name != "reject_ranker"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A home with a small simulated shop, its copy, and the report of a pipeline run in the home.

    The run was killed once in every step, and continued.  It takes a minute: each of the steps
    runs in its own process, as in a cluster.
    """
    home = Home(tmp_path_factory.mktemp("learned") / "home")
    events = simulate(home.root / "shop.jsonl", users=120, items=80, days=12)
    ingest([events], home=home, clock=Clock.of(Settings(home, clock="2026-01-18T00:00:00Z")))
    repository.render(home, RedisAddress.local(6379))
    repository.apply(home)
    copy = Home(tmp_path_factory.mktemp("copy") / "home")
    shutil.copytree(home.root, copy.root, symlinks=True)
    module = "tests.pipelines.kubeflow.killed_runs"
    killed = subprocess.run(
        [sys.executable, "-m", module, str(home.root), "retrain", *KILLED_IN],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert sorted(killed.stdout.split()) == sorted(KILLED_IN)
    return home, run_pipeline(RETRAIN, home), copy


def test_a_run_that_was_killed_in_every_step_runs_no_finished_step_again(learned):
    home, _, _ = learned

    finished = Counter(
        output.parent.name
        for output in (home.root / "kubeflow" / "runs").rglob("executor_output.json")
    )

    steps = {step.name.replace("_", "-") for step in RETRAIN.all_steps} - {"reject-ranker"}
    assert finished == dict.fromkeys(steps, 1) | {"fit-contender": len(PARALLEL)}
    assert recent_runs(home)[0]["state"] == "SUCCEEDED"


def test_a_killed_run_publishes_the_bytes_of_one_by_command(learned, monkeypatch):
    home, _, copy = learned
    monkeypatch.setenv("AISLE_HOME", str(copy.root))

    assert main(["step", "transform_features", "--json"]) == 0
    assert main(["train", "--json"]) == 0

    published = [load_manifest(current(one, "ranker", "default")).files for one in (home, copy)]
    measured = {"verdict.json", "verdict.md"}  # They have the latency of scoring.
    first, second = ({n: f for n, f in each.items() if n not in measured} for each in published)
    assert first == second
    assert len(first) > 4


def test_a_step_writes_the_same_bytes_by_hand_and_in_kubeflow(learned, tmp_path):
    home, _, _ = learned
    (run,) = (home.root / "kubeflow" / "runs").glob("*/build-dataset/dataset")
    (statistics,) = (home.root / "kubeflow" / "runs").glob("*/describe-dataset/statistics")

    ranker_steps.build_dataset(home.root, tmp_path / "dataset")
    ranker_steps.describe_dataset(tmp_path / "dataset", tmp_path / "statistics")

    assert content_hash(tmp_path / "dataset") == content_hash(run)
    assert content_hash(tmp_path / "statistics") == content_hash(statistics)


def test_a_contender_whose_configurations_were_removed_is_fitted_with_the_same(learned, tmp_path):
    home, _, _ = learned
    (dataset,) = (home.root / "kubeflow" / "runs").glob("*/build-dataset/dataset")
    (before,) = (home.root / "kubeflow" / "contenders").glob("*/unbiased-*.ubj")

    ranker_steps.fit_contender(tmp_path, dataset, "unbiased")

    (again,) = (tmp_path / "kubeflow" / "contenders").glob("*/unbiased-*.ubj")
    assert again.read_bytes() == before.read_bytes()
    assert again.name == before.name


def test_outputs_have_metadata_that_say_what_they_are(learned):
    home, _, _ = learned

    (dataset,) = outputs_of(home, "build-dataset", "dataset")
    (ranker,) = outputs_of(home, "train-ranker", "ranker")

    facts = dataset["metadata"]
    assert facts["sha256"] == content_hash(Path(dataset["uri"]))
    assert facts["rows"] > facts["clicked_rankings"] > 0
    assert facts["first"] < facts["last"]
    assert facts["code_sha256"] == ranker["metadata"]["code_sha256"] == code_version()
    assert ranker["metadata"]["learned_until"]


def outputs_of(home, step, name):
    """The artifacts of an output of a finished step."""
    (path,) = (home.root / "kubeflow" / "runs").glob(f"*/{step}/executor_output.json")
    return json.loads(path.read_text())["artifacts"][name]["artifacts"]


def test_a_local_run_publishes_the_ranker_it_measured(learned):
    home, published, _ = learned

    evaluation = json.loads((home.current / "ranker" / "default" / "evaluation.json").read_text())

    run = find_version(home, "default", published["ranker"]).run
    assert (home.root / "kubeflow" / "reports" / run / "publish_ranker.json").exists()
    assert 0 < evaluation["test"]["ndcg@10"] <= 1


def test_a_run_writes_the_pages_and_figures(learned):
    home, _, _ = learned
    runs = home.root / "kubeflow" / "runs"

    def page(step, name):
        (path,) = runs.glob(f"*/{step}/{name}")
        return path.read_text()

    (figures,) = outputs_of(home, "evaluate-ranker", "figures")
    assert 0 < figures["metadata"]["test/ndcg@10"] <= 1
    assert "<html" in page("evaluate-ranker", "evaluation_page")
    assert page("evaluate-ranker", "model_card_page").startswith("# ")
    assert page("check-gate", "verdict_page").startswith("# Verdict: publish")
    assert "Features" in page("describe-dataset", "statistics_page")
    assert page("transform-features", "summary").startswith("# Features")


def test_a_run_that_is_not_better_is_rejected_with_its_reason_and_changes_nothing(learned):
    home, published, _ = learned
    before = current(home, "ranker", "default")

    rejected = run_pipeline(RETRAIN, home)

    assert current(home, "ranker", "default") == before
    assert (published["ranker"], rejected["ranker"]) == (before.name, None)
    assert "not above zero" in rejected["reason"]
    assert find_version(home, "default", rejected["rejected"]).state == "rejected"
    assert [run["state"] for run in recent_runs(home)] == ["SUCCEEDED", "SUCCEEDED"]
    assert len(outputs_of(home, "build-dataset", "dataset")) == 1, "expected a hit of the cache"


def test_a_local_run_publishes_the_candidate_indexes(learned):
    home, _, _ = learned

    assert (home.current / "lexical" / "default").exists()


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
    attempts = re.findall(r"Executing task \S*'transform-features'", printed.err)
    assert len(attempts) == 1 + RETRAIN.step("transform_features").retry
    assert list(elsewhere.iterdir()) == []
    assert (home / "kubeflow" / "runs").is_dir()
    run = json.loads((home / "kubeflow" / "runs.jsonl").read_text())
    assert run["state"] == "FAILED"
    assert "failed" in run["error"]

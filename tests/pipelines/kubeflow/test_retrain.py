"""The retraining pipeline: one form for this machine and for a cluster, and no silent failure."""

import inspect
import json
import re

import pytest
import yaml
from kfp.dsl.base_component import BaseComponent

from feature_repo.events.ingest import ingest
from feature_repo.feast_repo import repository
from feature_repo.home import Clock, Home, PipelineError, Settings
from pipelines.kubeflow import components
from pipelines.kubeflow.retrain import compile_retrain, run_retrain
from pipelines.steps import steps
from training.studies.simulation import simulate

UPDATE = "run `pytest --update-golden` if the change is meant"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_retrain(tmp_path_factory.mktemp("compiled") / "retrain.yaml").read_text()


@pytest.fixture(scope="module")
def documents(compiled):
    return list(yaml.safe_load_all(compiled))


def test_the_compiled_pipeline_is_the_golden_one(compiled, golden):
    found = re.sub(r"^sdkVersion: .*$", "sdkVersion: kfp-masked", compiled, flags=re.MULTILINE)

    assert found == golden("retrain.yaml", found), UPDATE


def test_every_component_wraps_the_step_of_its_name():
    wrapped = {name for name, value in vars(components).items() if isinstance(value, BaseComponent)}
    public = {
        name for name, value in inspect.getmembers(steps, inspect.isfunction) if name[0] != "_"
    }

    assert wrapped == public
    for name in wrapped:
        assert f"steps.{name}(" in inspect.getsource(getattr(components, name).python_func)


def test_no_step_takes_its_result_from_a_cache(documents):
    tasks = documents[0]["root"]["dag"]["tasks"]

    assert len(tasks) == 6
    assert [task["cachingOptions"] for task in tasks.values()] == [{}] * 6


def test_every_step_that_is_given_the_home_mounts_it(documents):
    pipeline, platform = documents
    given = {
        component["executorLabel"]
        for component in pipeline["components"].values()
        if "home" in component["inputDefinitions"].get("parameters", {})
    }

    assert given == set(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"])


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A home with a small simulated shop, and what a run of the pipeline in it published."""
    home = Home(tmp_path_factory.mktemp("learned") / "home")
    events = simulate(home.root / "shop.jsonl", users=60, items=80, days=12)
    ingest([events], home=home, clock=Clock.of(Settings(home, clock="2026-01-18T00:00:00Z")))
    repository.render(home, "127.0.0.1", 6379)
    repository.apply(home)
    return home, run_retrain(home)


def test_a_run_here_publishes_the_ranker_it_measured(learned):
    home, published = learned

    evaluation = json.loads((home.current / "ranker" / "default" / "evaluation.json").read_text())

    assert published
    assert 0 < evaluation["test"]["ndcg@10"] <= 1


def test_a_run_here_publishes_what_candidates_are_found_with(learned):
    home, _ = learned

    assert (home.current / "lexical" / "default").exists()


def test_a_run_leaves_pages_and_figures_for_people(learned):
    home, _ = learned
    (run,) = (home.root / "kubeflow" / "runs").iterdir()

    measured = json.loads((run / "evaluate-ranker" / "executor_output.json").read_text())

    assert "<html" in (run / "evaluate-ranker" / "page").read_text()
    assert (run / "transform-features" / "summary").read_text().startswith("# Features")
    (metrics,) = measured["artifacts"]["metrics"]["artifacts"]
    assert 0 < metrics["metadata"]["test/ndcg@10"] <= 1


def test_a_file_that_is_not_yaml_is_refused(tmp_path):
    with pytest.raises(PipelineError, match=r"ending in \.yaml .* found .*retrain\.txt"):
        compile_retrain(tmp_path / "retrain.txt")


def test_a_failed_step_fails_the_run_and_is_named(tmp_path, monkeypatch, capfd):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    (home / "log").write_text("a file where a folder is expected")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    with pytest.raises(PipelineError, match="Inner task failed: 'transform-features'"):
        run_retrain(Home(home))

    printed = capfd.readouterr()
    assert printed.out == ""
    assert "Traceback" in printed.err
    assert list(elsewhere.iterdir()) == []
    assert (home / "kubeflow" / "runs").is_dir()

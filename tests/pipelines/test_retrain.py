"""The retraining pipeline: one form for this machine and for a cluster, and no silent failure."""

import inspect
import re

import pytest
import yaml
from kfp.dsl.base_component import BaseComponent

from feature_repo.errors import PipelineError
from feature_repo.home import Home
from pipelines import components, steps
from pipelines.retrain import compile_retrain, run_retrain

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

    assert len(tasks) == 5
    assert [task["cachingOptions"] for task in tasks.values()] == [{}] * 5


def test_every_step_that_is_given_the_home_mounts_it(documents):
    pipeline, platform = documents
    given = {
        component["executorLabel"]
        for component in pipeline["components"].values()
        if "home" in component["inputDefinitions"].get("parameters", {})
    }

    assert given == set(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"])


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

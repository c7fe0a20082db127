"""Steps are declared once, and an error names the missing part of a declaration."""

import json
import sys

import pytest

from feature_repo.home import Home, PipelineError
from feature_repo.home.errors import ExtensionError
from pipelines.cli.main import main
from pipelines.cli.parser import parse
from pipelines.kubeflow.run_step import run_step
from pipelines.steps import HOME, Artifact, Pipeline, Resources, Step, retrain, retrain_pipeline
from pipelines.steps.retrain import RETRAIN
from pipelines.steps.step import Parameter

SMALL = Resources("1", "1G")
TABLE = Artifact("table", "Dataset", "build/table.txt")


def write_table(home, table):
    table.write_text(str(home))
    return {"written": True}


def read_table(table, *, factor=1):
    """Read the table."""
    return {"characters": factor * len(table.read_text())}


WRITE = Step("write_table", write_table, (HOME,), (TABLE,), SMALL, retry=0)
READ = Step("read_table", read_table, (TABLE,), (), SMALL, retry=0)


@pytest.mark.parametrize("step", RETRAIN.all_steps, ids=lambda step: step.name)
def test_every_step_declares_the_settings_of_each_runner(step):
    assert step.title, f"{step.name}: expected a title for the demo and for progress"
    assert step.summary != step.name, f"{step.name}: expected a docstring of its function"
    assert float(step.resources.cpu) > 0, f"{step.name}: expected cores"
    assert step.resources.memory.endswith("G"), f"{step.name}: expected memory"
    assert step.retry > 0, f"{step.name}: expected retries"
    assert parse(["step", step.name]).name == step.name


def test_every_function_of_the_steps_is_declared():
    module = sys.modules[RETRAIN.steps[0].function.__module__]
    functions = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and callable(value)
    }

    assert functions == {step.name for step in RETRAIN.all_steps}


def test_a_step_runs_with_its_artifacts_in_the_home(home: Home):
    home.root.mkdir()

    WRITE.run(home)

    assert (home.root / TABLE.path).read_text() == str(home.root)
    assert READ.run(home, factor=2) == {"characters": 2 * len(str(home.root))}


def test_an_error_names_the_missing_input_of_a_step(home: Home):
    with pytest.raises(PipelineError, match=r"read_table reads the table at .*table\.txt"):
        READ.run(home)


def test_a_step_whose_function_lacks_a_declared_name_is_rejected():
    with pytest.raises(PipelineError, match=r"'write_table'.*a function without \['table'\]"):
        Step("write_table", lambda home: {}, (HOME,), (TABLE,), SMALL, retry=0)


def test_a_step_whose_function_requires_an_undeclared_parameter_is_rejected():
    with pytest.raises(PipelineError, match=r"'write_table'.*found the parameter table. Add it"):
        Step("write_table", write_table, (HOME,), (), SMALL, retry=0)


def test_a_step_of_a_package_cannot_have_the_name_of_a_built_in_step(monkeypatch):
    monkeypatch.setattr(retrain, "extensions", lambda *_: {"train_ranker": WRITE})

    with pytest.raises(ExtensionError, match=r"'train_ranker' of aisle.steps.*Rename it."):
        retrain_pipeline()


def test_a_step_with_an_unknown_parameter_is_rejected():
    with pytest.raises(
        PipelineError, match=r"expected HOME, MODEL_NAME, STATE or ERROR, found .*'color'"
    ):
        Step("paint", lambda color: {}, (Parameter("color"),), (), SMALL, retry=0)


def test_a_pipeline_that_reads_an_artifact_without_a_writer_is_rejected():
    with pytest.raises(PipelineError, match=r"read_table of both reads \['table'\]"):
        Pipeline("both", "", (READ, WRITE), ("read_table",))


def test_two_steps_of_one_name_are_rejected():
    with pytest.raises(PipelineError, match=r"'write_table'.*found two steps; rename"):
        Pipeline("twice", "", (WRITE, WRITE), ("write_table",))


def test_a_pipeline_without_its_result_is_rejected():
    with pytest.raises(PipelineError, match=r"returns \['read_table'\]"):
        Pipeline("one", "", (WRITE,), ("read_table",))


def decide(home):
    """Decide by the name of the home."""
    return {"decision": home.name}


def called(name, when=""):
    return Step(name, lambda home: {"name": name}, (HOME,), (), SMALL, retry=0, when=when)


@pytest.mark.parametrize(("decision", "chosen"), [("yes", "do"), ("no", "leave")])
def test_steps_run_by_the_decision_of_an_earlier_one(tmp_path, decision, chosen):
    gate = Step("decide", decide, (HOME,), (), SMALL, retry=0, decides=True)
    steps = (gate, called("do", "yes"), called("leave", "no"), called("always"))
    home = Home(tmp_path / decision)

    reports = Pipeline("gated", "", steps, ("do", "leave")).run_here(lambda step: step.run(home))

    assert [*reports] == ["decide", chosen, "always"]


def test_a_decision_without_a_step_that_decides_is_rejected():
    with pytest.raises(PipelineError, match=r"runs on the decision 'yes'.*found none"):
        Pipeline("gated", "", (called("do", "yes"),), ("do",))


def test_an_added_step_follows_the_step_it_names():
    both = Pipeline("both", "", (WRITE, READ), ("read_table",))
    after = Step("check", read_table, (TABLE,), (), SMALL, retry=0, after="write_table")
    last = Step("report", read_table, (TABLE,), (), SMALL, retry=0)

    names = [step.name for step in both.with_steps([after, last]).steps]

    assert names == ["write_table", "check", "read_table", "report"]
    with pytest.raises(PipelineError, match=r"Expected a step of one \(write_table\)"):
        Pipeline("one", "", (WRITE,), ("write_table",)).with_steps(
            [Step("check", read_table, (TABLE,), (), SMALL, retry=0, after="absent")]
        )


def test_the_command_lists_the_steps(capsys):
    status = main(["step", "--json"])

    assert status == 0
    names = [step.name for step in retrain_pipeline().steps]
    assert json.loads(capsys.readouterr().out) == {"steps": names}


def test_the_command_names_the_steps_when_there_is_no_such_step(capsys):
    status = main(["step", "absent"])

    assert status == 1
    assert "Expected a step of retrain (transform_features, " in capsys.readouterr().err


def test_a_step_without_enough_to_learn_from_ends_with_its_own_status(home, capsys, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(home.root))
    paths = {"home": str(home.root), "dataset": str(home.root / "rows.parquet")}

    status = main(["step", "build_dataset"])
    with pytest.raises(SystemExit) as ended:
        run_step("build_dataset", paths, [])

    assert (status, ended.value.code) == (3, 3)
    assert capsys.readouterr().err.count("rankings with items: found 0") == 2

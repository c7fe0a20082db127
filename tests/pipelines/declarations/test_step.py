"""Steps are declared once, and an error names the missing part of a declaration."""

import inspect
import json
import sys
from dataclasses import replace

import pytest

from feature_repo.home import Home, PipelineError
from feature_repo.home.errors import ExtensionError
from pipelines.catalogue import registry
from pipelines.catalogue.registry import pipelines, steps
from pipelines.catalogue.retrain import RETRAIN
from pipelines.cli.main import main
from pipelines.cli.parser import parse
from pipelines.cli.training_options import TRAINING
from pipelines.declarations import DECISION, HOME, Artifact, Parameter, Pipeline, Resources, Step
from pipelines.kubeflow.run_step import run_step

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


STEPS = steps()
BUILT_IN = pipelines()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_every_step_declares_the_settings_of_each_runner(step):
    assert step.title, f"{step.name}: expected a title for the demo and for progress"
    assert step.summary != step.name, f"{step.name}: expected a docstring of its function"
    assert float(step.resources.cpu) > 0, f"{step.name}: expected cores"
    assert step.resources.memory.endswith("G"), f"{step.name}: expected memory"
    assert step.retry > 0, f"{step.name}: expected retries"
    assert parse(["step", step.name]).name == step.name


def test_every_function_of_the_steps_is_declared():
    modules = {sys.modules[step.function.__module__] for step in STEPS.values()}
    functions = {
        name
        for module in modules
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and inspect.isfunction(value)
        and not name.startswith("_")
    }

    assert functions == STEPS.keys()


def test_the_verb_of_training_has_the_options_of_its_pipeline():
    assert {*TRAINING} == {*RETRAIN.options}


def test_a_package_adds_a_whole_pipeline_unless_a_name_is_taken(monkeypatch):
    def install(**added):
        groups = {registry.OF_PIPELINES: added}
        monkeypatch.setattr(registry, "extensions", lambda group, _: groups.get(group, {}))

    install(both=Pipeline("both", "", (WRITE, READ), ("read_table",)))
    assert steps()["write_table"] == WRITE
    assert [*pipelines()] == [*BUILT_IN, "both"]

    install(verify=Pipeline("verify", "", (WRITE,), ("write_table",)))
    with pytest.raises(ExtensionError, match=r"'verify' of aisle.pipelines.*Rename it."):
        pipelines()

    other = replace(WRITE, name="train_ranker")
    install(other=Pipeline("other", "", (other,), ("train_ranker",)))
    with pytest.raises(ExtensionError, match="another step train_ranker"):
        steps()


def test_a_parameter_has_one_declaration_in_all_steps():
    declared = [p for step in STEPS.values() for p in step.parameters]

    assert len({*declared}) == len({parameter.name for parameter in declared})


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
    added = {registry.OF_STEPS: {"train_ranker": WRITE}}
    monkeypatch.setattr(registry, "extensions", lambda group, _: added.get(group, {}))

    with pytest.raises(ExtensionError, match=r"'train_ranker' of aisle.steps.*Rename it."):
        pipelines()


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
    gate = Step("decide", decide, (HOME,), (), SMALL, retry=0, gives=(DECISION,))
    steps = (gate, called("do", "yes"), called("leave", "no"), called("always"))
    home = Home(tmp_path / decision)

    reports = Pipeline("gated", "", steps, ("do", "leave")).run_here(
        lambda step, values: step.run(home, values)
    )

    assert [*reports] == ["decide", chosen, "always"]


COLORS = Parameter("colors", type=tuple)
COLOR = Parameter("color", item_of="colors")


def mix(home):
    """Give two colors."""
    return {"colors": ["red", "blue"]}


def paint(color):
    """Paint in one color."""
    return {"painted": color}


MIX = Step("mix", mix, (HOME,), (), SMALL, retry=0, gives=(COLORS,))
PAINT = Step("paint", paint, (COLOR,), (), SMALL, retry=0)


def test_a_step_runs_for_each_item_that_an_earlier_one_gives(home):
    pipeline = Pipeline("colors", "", (MIX, PAINT), ("paint",))

    reports = pipeline.run_here(lambda step, values: step.run(home, values))

    assert reports["paint"] == {"items": [{"painted": "red"}, {"painted": "blue"}]}
    assert pipeline.parameters == (HOME,)


def test_a_step_for_each_item_needs_a_step_that_gives_them():
    with pytest.raises(PipelineError, match="for each of colors: expected an earlier step"):
        Pipeline("colors", "", (PAINT,), ("paint",))


def test_a_step_behind_a_loop_waits_for_what_the_loop_gives():
    last = Step("last", decide, (HOME,), (), SMALL, retry=0)

    with pytest.raises(PipelineError, match="follows paint, which runs for each item"):
        Pipeline("colors", "", (MIX, PAINT, last), ("last",))


def test_values_of_a_run_reach_the_steps_that_take_them(home):
    size = Parameter("size", type=int, default=2)
    step = Step("measure", lambda size: {"size": size}, (size,), (), SMALL, retry=0)
    pipeline = Pipeline("sizes", "", (step,), ("measure",))

    def run(one, values):
        return one.run(home, values)

    assert pipeline.run_here(run)["measure"] == {"size": 2}
    assert pipeline.run_here(run, values={"size": 7})["measure"] == {"size": 7}


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
    assert json.loads(capsys.readouterr().out) == {"steps": [*STEPS]}


def test_the_command_names_the_steps_when_there_is_no_such_step(capsys):
    status = main(["step", "absent"])

    assert status == 1
    assert "Expected a step (ingest_events, validate, " in capsys.readouterr().err


def test_a_step_without_enough_to_learn_from_ends_with_its_own_status(home, capsys, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(home.root))
    paths = {"home": str(home.root), "dataset": str(home.root / "rows.parquet")}

    status = main(["step", "build_dataset"])
    with pytest.raises(SystemExit) as ended:
        run_step("build_dataset", paths, {})

    assert (status, ended.value.code) == (3, 3)
    assert capsys.readouterr().err.count("rankings with items: found 0") == 2

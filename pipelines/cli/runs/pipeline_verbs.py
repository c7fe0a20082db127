"""`aisle pipeline`: list, run, compile and submit the pipelines, and show their runs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feature_repo.home import Home, SettingError, Settings, exclusive_training
from pipelines.catalogue import pipeline_of, pipelines
from pipelines.declarations import Pipeline
from pipelines.steps import recent_runs
from pipelines.terminal import Outcome, add_parameters, chosen, table

if TYPE_CHECKING:
    from pipelines.kubeflow import Target


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the name of the pipeline, and an option for each parameter of any pipeline."""
    verb.add_argument("name", nargs="?", help="of the pipeline; `list` describes them")
    verb.add_argument("--out", type=Path, help="for compile: the file (build/NAME.yaml)")
    verb.add_argument(
        "--cluster",
        type=Path,
        metavar="FILE",
        help="for compile and submit: settings of the pods (pipelines/kubeflow.toml)",
    )
    verb.add_argument("--host", metavar="URL", help="for submit and status: Kubeflow's API")
    verb.add_argument("--namespace", help="for submit and status: of the runs")
    verb.add_argument("--experiment", help="for submit and status: groups the runs (aisle)")
    verb.add_argument(
        "--schedule",
        metavar="CRON",
        help='for submit: start runs by it, six fields, seconds first, such as "0 0 3 * * *"',
    )
    declared = {one.name: one for each in pipelines().values() for one in each.options}
    add_parameters(verb, declared.values())
    verb.set_defaults(declared=declared)


def pipeline(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    if args.action == "list":
        return _list()
    if args.action == "status":
        return _status(args)
    if args.name is None:
        raise SettingError(
            f"aisle pipeline {args.action}: expected the name of a pipeline "
            f"({', '.join(pipelines())}), found none."
        )
    home = Settings.from_environment().home
    action = {"run": _run, "compile": _compile, "submit": _submit}[args.action]
    return action(args, pipeline_of(args.name), home)


def _list() -> Outcome:
    listed = pipelines().values()
    rows: list[list[object]] = [
        [
            one.name,
            one.description,
            " → ".join(step.title or step.name for step in one.steps),
            " ".join(parameter.flag for parameter in one.options),
        ]
        for one in listed
    ]
    data = {
        one.name: {
            "description": one.description,
            "steps": [step.name for step in one.steps],
            "parameters": {parameter.name: parameter.value for parameter in one.options},
        }
        for one in listed
    }
    columns = ["pipeline", "does", "steps", "parameters"]
    return Outcome({"pipelines": data}, table("", columns, rows))


def _run(args: argparse.Namespace, one: Pipeline, home: Home) -> Outcome:
    from pipelines.kubeflow import run_pipeline

    values = chosen(args, one.options, f"aisle pipeline run {one.name}")
    with exclusive_training(home, "a pipeline"):
        return Outcome(run_pipeline(one, home, values))


def _compile(args: argparse.Namespace, one: Pipeline, _: Home) -> Outcome:
    from pipelines.kubeflow import ClusterSettings, compile_pipeline

    out = args.out or Path("build") / f"{one.name}.yaml"
    compiled = compile_pipeline(one, out, ClusterSettings.load(args.cluster))
    return Outcome({"compiled": str(compiled)})


def _submit(args: argparse.Namespace, one: Pipeline, _: Home) -> Outcome:
    from pipelines.kubeflow import ClusterSettings, submit_pipeline

    submitted = submit_pipeline(
        one,
        _target(args),
        chosen(args, one.options, f"aisle pipeline submit {one.name}"),
        schedule=args.schedule,
        cluster=ClusterSettings.load(args.cluster),
    )
    return Outcome(submitted.to_dict())


def _status(args: argparse.Namespace) -> Outcome:
    """List the runs of a cluster; without a host, those of this home."""
    if args.host is None:
        runs = recent_runs(Settings.from_environment().home, args.name)
    else:
        from pipelines.kubeflow import list_runs

        runs = list_runs(_target(args), args.name)
    rows: list[list[object]] = [
        [run["at"], run["name"], run["state"], run["error"], run["run"]] for run in runs
    ]
    return Outcome({"runs": runs}, table("", ["at", "pipeline", "state", "error", "run"], rows))


def _target(args: argparse.Namespace) -> "Target":
    from pipelines.kubeflow import EXPERIMENT, Target

    if args.host is None:
        raise SettingError(f"aisle pipeline {args.action}: expected --host URL, found none.")
    return Target(args.host, args.namespace, args.experiment or EXPERIMENT)

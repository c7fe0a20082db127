"""The verbs of single steps and of pipelines: `aisle step` and `aisle pipeline`."""

import argparse
from pathlib import Path
from typing import Any

from feature_repo.home import Settings, exclusive_training
from pipelines.steps import Step, retrain_pipeline
from pipelines.terminal import Outcome, progress_bar, table


def step(args: argparse.Namespace) -> Outcome:
    """Run one step on the home; without a name, list the steps."""
    pipeline = retrain_pipeline()
    if args.name is None:
        rows: list[list[object]] = [_row(step) for step in pipeline.steps]
        data = {"steps": [step.name for step in pipeline.steps]}
        columns = ["step", "reads", "writes", "cores", "memory", "retries"]
        return Outcome(data, table("", columns, rows, numbers=3))
    chosen = pipeline.step(args.name)
    home, title = Settings.from_environment().home, chosen.title or chosen.name
    with exclusive_training(home, f"the step {chosen.name}"), progress_bar(title) as progress:
        return Outcome(chosen.run(home, progress=progress))


def pipeline(args: argparse.Namespace) -> Outcome:
    """Run or compile a Kubeflow pipeline."""
    from pipelines.kubeflow import compile_pipeline, run_pipeline

    if args.action == "compile":
        out = compile_pipeline(retrain_pipeline(), args.out or Path("build") / "retrain.yaml")
        return Outcome({"compiled": str(out)})
    home = Settings.from_environment().home
    with exclusive_training(home, "a pipeline"):
        return Outcome(run_pipeline(retrain_pipeline(), home))


def _row(step: Step) -> list[object]:
    return [
        step.name,
        _names(step.inputs),
        _names(step.outputs),
        step.resources.cpu,
        step.resources.memory,
        step.retry,
    ]


def _names(values: tuple[Any, ...]) -> str:
    return ", ".join(value.name for value in values)

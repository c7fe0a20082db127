"""`aisle step`: run one step of a pipeline on the home."""

import argparse
from typing import Any

from feature_repo.home import Settings, exclusive_training
from pipelines.catalogue import find_step, steps
from pipelines.declarations import HOME, Step
from pipelines.terminal import Outcome, add_parameters, chosen, progress_bar, table


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the name of the step, and an option for each parameter of any step."""
    verb.add_argument("name", nargs="?", help="of the step (lists the steps)")
    declared = {
        one.name: one for step in steps().values() for one in step.parameters if one != HOME
    }
    add_parameters(verb, declared.values())
    verb.set_defaults(declared=declared)


def step(args: argparse.Namespace) -> Outcome:
    """Run one step; without a name, list the steps."""
    if args.name is None:
        listed = steps()
        columns = ["step", "does", "takes", "writes", "cores", "memory", "retries"]
        rows = [_row(step) for step in listed.values()]
        return Outcome({"steps": [*listed]}, table("", columns, rows, numbers=3))
    one = find_step(args.name)
    values = chosen(args, [p for p in one.parameters if p != HOME], f"aisle step {one.name}")
    home, title = Settings.from_environment().home, one.title or one.name
    with exclusive_training(home, f"the step {one.name}"), progress_bar(title) as progress:
        return Outcome(one.run(home, values, progress=progress))


def _row(step: Step) -> list[object]:
    return [
        step.name,
        step.summary,
        _names(step.inputs),
        _names(step.outputs),
        step.resources.cpu,
        step.resources.memory,
        step.retry,
    ]


def _names(values: tuple[Any, ...]) -> str:
    return ", ".join(value.name for value in values)

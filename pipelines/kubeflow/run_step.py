"""The work of a component in its container: run its step, and draw the report for Kubeflow."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp import dsl

from feature_repo.home import Home, NotEnoughError, end_after, replacing, restrict_permissions
from pipelines.catalogue import find_step
from pipelines.declarations import HOME, Report, Step
from pipelines.kubeflow.report_page import figures, markdown

RUNNER = "AISLE_RUNNER"
"""Variable of a step on this machine: the process that runs the pipeline."""


def run_step(
    name: str,
    values: Mapping[str, Any],
    drawn: Sequence[dsl.Artifact],
    *,
    gives: Sequence[str] = (),
    run_id: str = "",
) -> tuple[Any, ...]:
    """Run the step of a name, and return the outputs that the component declares.

    Args:
        name: of the step.
        values: by name, the paths and parameters that it takes.
        drawn: the artifacts that Kubeflow draws: metrics or a table, and a page.
        gives: names of the values to return: of its report, or `report` for all of it as JSON.
        run_id: of the run, under which the report is stored in the home, if the step takes it.

    The process ends with the error's own status where there is not enough to learn from yet, and
    with the process that started it on this machine.
    """
    if runner := os.environ.get(RUNNER):
        end_after(int(runner))
    step = find_step(name)
    parameters = {one.name for one in step.parameters if one != HOME}
    typed = {key: value if key in parameters else Path(value) for key, value in values.items()}
    home = Home(typed[HOME.name]) if HOME.name in typed else None
    if home is not None:
        restrict_permissions(home)
    try:
        report = step.call(typed)
    except NotEnoughError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_status) from error
    for artifact in drawn:
        _draw(artifact, step, report, typed)
    text = json.dumps(report, default=str)
    if home is not None and run_id:
        _store(reports_folder(home, run_id) / f"{name}.json", text)
    return tuple(text if value == "report" else report[value] for value in gives)


def reports_folder(home: Home, run_id: str) -> Path:
    """Return the folder of a run's reports, one file for each step."""
    return home.root / "kubeflow" / "reports" / run_id


def _store(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh:
        fresh.write_text(text)


def _draw(artifact: dsl.Artifact, step: Step, report: Report, values: Mapping[str, Any]) -> None:
    if isinstance(artifact, dsl.Metrics):
        parts = {part: report[part] for part in step.figures} if step.figures else report
        for name, value in figures(parts).items():
            artifact.log_metric(name, value)
    elif isinstance(artifact, dsl.HTML):
        output, _, file = step.page.partition("/")
        shutil.copyfile(values[output] / file, artifact.path)
    else:
        text = markdown((step.title or step.name).capitalize(), report)
        Path(artifact.path).write_text(text, encoding="utf-8")

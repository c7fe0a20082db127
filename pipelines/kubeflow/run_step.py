"""The work of a component in its container: run its step, and draw the report for Kubeflow."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp import dsl

from feature_repo.home import Home, NotEnoughError, restrict_permissions
from pipelines.kubeflow.report_page import figures, markdown
from pipelines.steps import ERROR, HOME, MODEL_NAME, STATE, Report, Step, retrain_pipeline


def run_step(name: str, values: Mapping[str, str], drawn: Sequence[dsl.Artifact]) -> str:
    """Run the step of a name and return its report as JSON.

    Args:
        name: of the step.
        values: by name, the paths and parameters that it takes.
        drawn: the artifacts that Kubeflow draws: metrics or a table, and a page.

    The process ends with the error's own status where there is not enough to learn from yet.
    """
    step = retrain_pipeline().step(name)
    texts = {MODEL_NAME.name, STATE.name, ERROR.name}
    typed: dict[str, Any] = {
        key: value if key in texts else Path(value) for key, value in values.items()
    }
    if HOME.name in typed:
        restrict_permissions(Home(typed[HOME.name]))
    try:
        report = step.call(typed)
    except NotEnoughError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_status) from error
    for artifact in drawn:
        _draw(artifact, step, report, typed)
    return json.dumps(report, default=str)


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

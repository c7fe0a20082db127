"""The work of a component in its container: run its step, and draw the report for Kubeflow."""

import hashlib
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
from pipelines.steps import RUN, RUN_REPORTS, code_version

RUNNER = "AISLE_RUNNER"
"""Variable of a step on this machine: the process that runs the pipeline."""


def run_step(
    name: str,
    values: Mapping[str, Any],
    drawn: Mapping[str, dsl.Artifact],
    *,
    outputs: Sequence[dsl.Artifact] = (),
    gives: Sequence[str] = (),
    run_id: str = "",
) -> tuple[Any, ...]:
    """Run the step of a name, and return the outputs that the component declares.

    Args:
        name: of the step.
        values: by name, the paths and parameters that it takes.
        drawn: by name, the artifacts that Kubeflow draws: metrics or a table, and pages.
        outputs: the artifacts that the step writes, which get metadata.
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
    os.environ[RUN] = run_id
    try:
        report = step.call(typed)
    except NotEnoughError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_status) from error
    for drawing, artifact in drawn.items():
        _draw(drawing, artifact, step, report, typed)
    for artifact in outputs:
        _describe(artifact, step, report)
    text = json.dumps(report, default=str)
    if home is not None and run_id:
        _store(reports_folder(home, run_id) / f"{name}.json", text)
    return tuple(text if value == "report" else report[value] for value in gives)


def reports_folder(home: Home, run_id: str) -> Path:
    """Return the folder of a run's reports, one file for each step."""
    return home.root / RUN_REPORTS / run_id


def _store(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh:
        fresh.write_text(text)


def page_name(page: str) -> str:
    """Return the name of the artifact that shows a page.

    >>> page_name("evaluation/model_card.md")
    'model_card_page'
    """
    return f"{Path(page).stem}_page"


def _draw(
    name: str, artifact: dsl.Artifact, step: Step, report: Report, values: Mapping[str, Any]
) -> None:
    pages = {page_name(page): page for page in step.pages}
    if isinstance(artifact, dsl.Metrics):
        parts = {part: report[part] for part in step.figures} if step.figures else report
        drawn = figures(parts)
        for figure, value in drawn.items():
            artifact.log_metric(figure, value)
        # Kubeflow's local cache takes an output only where its file exists.
        Path(artifact.path).write_text(json.dumps(drawn), encoding="utf-8")
    elif name in pages:
        output, _, file = pages[name].partition("/")
        shutil.copyfile(values[output] / file, artifact.path)
    else:
        text = markdown((step.title or step.name).capitalize(), report)
        Path(artifact.path).write_text(text, encoding="utf-8")


def _describe(artifact: dsl.Artifact, step: Step, report: Report) -> None:
    """Add what Kubeflow shows with an output: hash, version of the code, parts of the report."""
    artifact.metadata["sha256"] = content_hash(Path(artifact.path))
    artifact.metadata["code_sha256"] = code_version()
    for name in step.metadata:
        artifact.metadata[name] = report[name]


def content_hash(path: Path) -> str:
    """Return the hash of a file; of a folder, of the names and contents of its files."""
    digest = hashlib.sha256()
    for file in sorted(one for one in (path, *path.rglob("*")) if one.is_file()):
        digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()

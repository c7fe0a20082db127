"""The pages of pipelines: the runs of the local runner, and the reports of a run's steps."""

import json
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.home import SettingError
from pipelines.console.content import Block, Code, Column, Content, Row, Table, Text, Visit, address
from pipelines.console.pages.local_runs import local_folders, local_run, local_runs
from pipelines.steps import RUN_REPORTS, recent_runs

_MOST_RUNS = 200
"""Newest runs whose reports are listed."""


def runs(visit: Visit) -> Content:
    """List the runs on this machine."""
    columns = [
        Column("at", "at"),
        Column("name", "pipeline"),
        Column("state", "state"),
        Column("error", "error"),
    ]
    stored = [
        Column("run", "run", lambda row: address("run", {"run": row["run"]})),
        Column("began", "first report at"),
        Column("ended", "last report at"),
        Column("steps", "steps with a report"),
    ]
    empty = "No pipeline ran on this machine yet; `aisle pipeline run retrain` runs one."
    return Content(
        "Pipelines",
        [
            *_kubeflow(visit),
            Text("A run that was interrupted, or still runs, has the state OPEN."),
            Table("runs", "Runs", columns, recent_runs(visit.home), empty),
            local_runs(visit.home, _MOST_RUNS),
            Table("reports", "Reports of runs", stored, [*map(_stored, _folders(visit))], empty),
        ],
    )


def run(visit: Visit) -> Content:
    """Show a run of the local runner, or the reports of a run's steps as the steps ended."""
    name = visit.get("run")
    stored = next((one for one in local_folders(visit.home, _MOST_RUNS) if one.name == name), None)
    if stored is not None:
        return local_run(visit.home, stored)
    folder = next((one for one in _folders(visit) if one.name == name), None)
    if folder is None:
        raise SettingError(f"run: expected a run of /pipelines, found {name!r}.")
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    columns = [Column("step", "step"), Column("ended", "ended at")]
    rows: list[Row] = [{"step": file.stem, "ended": _time(file)} for file in files]
    reports: list[Block] = [
        Code(f"Report of {file.stem}", json.dumps(json.loads(file.read_text()), indent=1))
        for file in files
    ]
    return Content(f"Run {name}", [Table("steps", "Steps", columns, rows), *reports])


def _kubeflow(visit: Visit) -> list[Block]:
    """Link to the cluster that runs the pipelines too, where there is one."""
    host = visit.settings.kubeflow
    if host is None:
        return []
    return [Text("Runs of the cluster are in Kubeflow:", host, host)]


def _folders(visit: Visit) -> list[Path]:
    """Return the folders of runs with reports, the newest first."""
    folders = [one for one in (visit.home.root / RUN_REPORTS).glob("*") if one.is_dir()]
    return sorted(folders, key=lambda one: -one.stat().st_mtime_ns)[:_MOST_RUNS]


def _stored(folder: Path) -> Row:
    times = sorted(_time(file) for file in folder.glob("*.json"))
    return {
        "run": folder.name,
        "began": times[0] if times else None,
        "ended": times[-1] if times else None,
        "steps": len(times),
    }


def _time(file: Path) -> str:
    return f"{datetime.fromtimestamp(file.stat().st_mtime, UTC):%Y-%m-%dT%H:%M:%SZ}"

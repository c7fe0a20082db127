"""The pages of pipelines: the runs of the local runner, and the reports of a run's steps."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feature_repo.home import SettingError
from pipelines.console.content import (
    Block,
    Code,
    Column,
    Content,
    Figure,
    Heading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.steps import OUTCOMES, RUN_REPORTS, recent_runs
from training.plots import Mark, bars

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
            Table("reports", "Reports of runs", stored, [*map(_stored, _folders(visit))], empty),
        ],
    )


def run(visit: Visit) -> Content:
    """Show the steps of a run with their times and artifacts, in the order in which they ended."""
    name = visit.get("run")
    folder = next((one for one in _folders(visit) if one.name == name), None)
    if folder is None:
        raise SettingError(f"run: expected a run of /pipelines, found {name!r}.")
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    columns = [
        Column("step", "step"),
        Column("began", "began at"),
        Column("ended", "ended at"),
        Column("seconds", "seconds"),
        Column("artifacts", "artifacts"),
    ]
    outcomes = {file.stem: _outcome(folder / OUTCOMES / file.name) for file in files}
    rows = [_step(file, outcomes[file.stem]) for file in files]
    reports: list[Block] = [
        Code(f"Report of {file.stem}", json.dumps(json.loads(file.read_text()), indent=1))
        for file in files
    ]
    marks = [
        Mark(row["step"], row["seconds"], None, None, f"{row['seconds']:.1f} s")
        for row in rows
        if row["seconds"] is not None
    ]
    return Content(
        f"Run {name}",
        [
            Table("steps", "Steps", columns, rows),
            *([Figure(bars("seconds", "Seconds of each step", marks))] if marks else []),
            _artifacts(visit, outcomes),
            *([Heading("Reports")] if reports else []),
            *reports,
        ],
    )


def _outcome(path: Path) -> dict[str, Any]:
    """Return times and artifacts of a step; empty for one of a time when none were recorded."""
    outcome: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return outcome


def _step(file: Path, outcome: dict[str, Any]) -> Row:
    row: dict[str, Any] = dict.fromkeys(("began", "seconds", "artifacts"))
    if not outcome:
        return row | {"step": file.stem, "ended": _time(file)}
    began, ended = (datetime.fromisoformat(outcome[key]) for key in ("began_at", "ended_at"))
    return {
        "step": file.stem,
        "began": _text(began),
        "ended": _text(ended),
        "seconds": (ended - began).total_seconds(),
        "artifacts": len(outcome["artifacts"]),
    }


def _artifacts(visit: Visit, outcomes: dict[str, dict[str, Any]]) -> Table:
    columns = [
        Column("artifact", "artifact"),
        Column("step", "written by"),
        Column("bytes", "bytes now"),
        Column("sha256", "sha256"),
        Column("path", "path in the home"),
    ]
    rows: list[Row] = [
        {
            "artifact": one["name"],
            "step": step,
            "bytes": _bytes(Path(one["path"])),
            "sha256": one["sha256"],
            "path": one["path"].removeprefix(f"{visit.home.root}/"),
        }
        for step, outcome in outcomes.items()
        for one in outcome.get("artifacts", ())
    ]
    return Table("artifacts", "Artifacts", columns, rows, "No artifact of the run is recorded.")


def _bytes(path: Path) -> int | None:
    """Return the size of a file or of a folder's files; None where it was removed since."""
    if not path.exists():
        return None
    return sum(one.stat().st_size for one in (path, *path.rglob("*")) if one.is_file())


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
    return _text(datetime.fromtimestamp(file.stat().st_mtime, UTC))


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

"""What Kubeflow's local runner stored: a folder a run, with a folder a step, and its artifacts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feature_repo.home import Home
from pipelines.console.content import Block, Column, Content, Figure, Row, Table, Text, address
from training.plots import Mark, bars

_STORED = "kubeflow/runs"
_DONE = "executor_output.json"
_BEGAN = "%Y-%m-%d-%H-%M-%S-%f"
_BEGAN_LENGTH = len("2026-01-05-00-00-00-000000")
_TEXT = "%Y-%m-%dT%H:%M:%SZ"


def local_folders(home: Home, most: int) -> list[Path]:
    """Return the folders of the newest runs of the local runner, the newest first."""
    folders = [one for one in (home.root / _STORED).glob("*") if one.is_dir()]
    return sorted(folders, key=lambda one: one.name[-_BEGAN_LENGTH:], reverse=True)[:most]


def local_runs(home: Home, most: int) -> Table:
    """List the runs of the local runner."""
    columns = [
        Column("run", "run", lambda row: address("run", {"run": row["run"]})),
        Column("began", "began at"),
        Column("steps", "steps that ran"),
        Column("ended", "steps that ended well"),
        Column("seconds", "seconds"),
    ]
    rows: list[Row] = []
    for folder in local_folders(home, most):
        began, steps = _began(folder), [*_steps(folder)]
        seconds = max(((one["at"] - began).total_seconds() for one in steps), default=None)
        rows.append(
            {
                "run": folder.name,
                "began": None if began is None else f"{began:{_TEXT}}",
                "steps": sum(one.is_dir() for one in folder.iterdir()),
                "ended": len(steps),
                "seconds": seconds,
            }
        )
    empty = "The local runner has no folder in this home; `aisle pipeline run retrain` makes one."
    return Table("local", "Runs of the local runner, with artifacts", columns, rows, empty)


def local_run(home: Home, folder: Path) -> Content:
    """Show the steps of a run of the local runner, with times and artifacts."""
    began, steps = _began(folder), [*_steps(folder)]
    before, rows = began, list[dict[str, Any]]()
    for one in steps:
        seconds = (one["at"] - before).total_seconds()
        before = one["at"]
        rows.append(
            {
                "step": one["step"],
                "ended": f"{one['at']:{_TEXT}}",
                "seconds": seconds,
                "artifacts": len(one["artifacts"]),
            }
        )
    columns = [
        Column("step", "step"),
        Column("ended", "ended at"),
        Column("seconds", "seconds since the step before ended"),
        Column("artifacts", "artifacts"),
    ]
    marks = [Mark(r["step"], r["seconds"], None, None, f"{r['seconds']:.1f} s") for r in rows]
    listed = [{"step": one["step"], **each} for one in steps for each in one["artifacts"]]
    plot: list[Block] = [Figure(bars("seconds", "Seconds of each step", marks))] if marks else []
    return Content(
        f"Run {folder.name}",
        [
            Text(f"It began at {began:{_TEXT}}. Steps whose result was stored before did not run."),
            Table("steps", "Steps that ended well, in their order", columns, rows, "None."),
            *plot,
            _artifacts(home, listed),
        ],
    )


def _artifacts(home: Home, listed: list[dict[str, Any]]) -> Table:
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
            "step": one["step"],
            "bytes": _bytes(Path(one["uri"])),
            "sha256": one["metadata"].get("sha256"),
            "path": one["uri"].removeprefix(f"{home.root}/"),
        }
        for one in listed
    ]
    return Table("artifacts", "Artifacts", columns, rows, "No step wrote an artifact.")


def _began(folder: Path) -> datetime:
    """Return when a run began, by the name of its folder."""
    began = datetime.strptime(folder.name[-_BEGAN_LENGTH:], _BEGAN)
    return began.replace(tzinfo=UTC)


def _steps(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps that ended well, in the order of their end, with their artifacts."""
    files = sorted(folder.glob(f"*/{_DONE}"), key=lambda file: file.stat().st_mtime_ns)
    for file in files:
        written = json.loads(file.read_text()).get("artifacts", {})
        yield {
            "step": file.parent.name.replace("-", "_"),
            "at": datetime.fromtimestamp(file.stat().st_mtime, UTC),
            "artifacts": [one for each in written.values() for one in each["artifacts"]],
        }


def _bytes(path: Path) -> int | None:
    """Return the size of a file or of a folder's files; None where it was removed since."""
    if not path.exists():
        return None
    return sum(one.stat().st_size for one in (path, *path.rglob("*")) if one.is_file())

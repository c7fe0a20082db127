"""Reports of pipeline runs: a file in the home, standard error, and a webhook."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import httpx

from feature_repo.home import Home

SECONDS = 10.0
"""Limit of the webhook's answer."""

_FILE = "kubeflow/runs.jsonl"

RUN_REPORTS = "kubeflow/reports"
"""Folder with a folder for each run, which has the report of each step."""

RUN = "AISLE_RUN"
"""Variable of a step's process: id of the pipeline run that it is part of."""

OPEN_RUNS = "kubeflow/open"
"""Folder with a file for each pipeline whose last run here did not end well yet."""


def report(
    home: Home, webhook: str | None, pipeline: str, state: str, error: str
) -> dict[str, Any]:
    """Append the end of a run to the home's list of runs, and send it to a webhook.

    Args:
        home: of the run.
        webhook: URL that takes a JSON object by POST; None without one.
        pipeline: its name.
        state: of the run, such as SUCCEEDED or FAILED.
        error: why it failed; empty otherwise.

    Returns:
        What was reported.  A webhook that fails is named in it and does not fail the run.
    """
    run = {"at": _text(datetime.now(UTC)), "pipeline": pipeline, "state": state, "error": error}
    path = home.root / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(run) + "\n")
    sys.stderr.write(f"The run of {pipeline} ended: {state}. {error}\n")
    return run if webhook is None else {**run, "webhook": _sent(webhook, run)}


def recent_runs(home: Home, pipeline: str | None = None) -> list[dict[str, Any]]:
    """Return the runs of a home, the newest first: of one pipeline, or of all.

    A run that was interrupted, or that still runs, has the state OPEN and its number.
    """
    ended, path = [], home.root / _FILE
    if path.exists():
        ended = [json.loads(line) for line in path.read_text().splitlines()]
    runs = [
        {
            "run": json.loads(one.read_text())["run"],
            "name": one.stem,
            "state": "OPEN",
            "at": _text(datetime.fromtimestamp(one.stat().st_mtime, UTC)),
            "error": "",
        }
        for one in sorted((home.root / OPEN_RUNS).glob("[!.]*.json"))
    ]
    runs += [
        {"run": "", "name": run["pipeline"]} | {key: run[key] for key in ("state", "at", "error")}
        for run in reversed(ended)
    ]
    return [run for run in runs if pipeline in (None, run["name"])]


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _sent(webhook: str, run: dict[str, Any]) -> str:
    try:
        return str(httpx.post(webhook, json=run, timeout=SECONDS).status_code)
    except httpx.HTTPError as error:
        sys.stderr.write(f"The webhook did not take the report: {error}\n")
        return type(error).__name__

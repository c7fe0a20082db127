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


def report(home: Home, webhook: str | None, state: str, error: str) -> dict[str, Any]:
    """Append the end of a run to the home's list of runs, and send it to a webhook.

    Args:
        home: of the run.
        webhook: URL that takes a JSON object by POST; None without one.
        state: of the run, such as SUCCEEDED or FAILED.
        error: why it failed; empty otherwise.

    Returns:
        What was reported.  A webhook that fails is named in it and does not fail the run.
    """
    run = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "state": state, "error": error}
    path = home.root / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(run) + "\n")
    sys.stderr.write(f"The run of {home.root.name} ended: {state}. {error}\n")
    return run if webhook is None else {**run, "webhook": _sent(webhook, run)}


def _sent(webhook: str, run: dict[str, Any]) -> str:
    try:
        return str(httpx.post(webhook, json=run, timeout=SECONDS).status_code)
    except httpx.HTTPError as error:
        sys.stderr.write(f"The webhook did not take the report: {error}\n")
        return type(error).__name__

"""Run a pipeline on this machine with Kubeflow's local runner, each step in a separate process.

A run that was interrupted or failed continues: its number is in the home until it ends well.
Kubeflow's own cache then returns the outputs of the steps that are finished, because their
arguments, the number among them, are the same.  A run with other parameters, after new events or
with another version of the code is a new one.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feature_repo.home import Home, PipelineError, replacing
from pipelines.declarations import Pipeline
from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.graph import kubeflow_pipeline
from pipelines.kubeflow.run_step import RUNNER, reports_folder
from pipelines.steps import OPEN_RUNS, code_version

_ANSI = re.compile(r"\x1b\[\d+m")


def run_pipeline(
    pipeline: Pipeline,
    home: Home,
    values: Mapping[str, Any] | None = None,
    *,
    retries: bool = True,
) -> dict[str, Any]:
    """Run a pipeline on this machine; the steps print to standard error.

    Artifacts of the run are in the home, under `kubeflow/`.  The caller holds the training lock.

    Args:
        pipeline: as declared.
        home: its folder is the parameter `home`.
        values: of further parameters, by name.
        retries: whether a step that fails is tried again.

    Returns:
        The report of the pipeline's result.

    Raises:
        PipelineError: a step failed; the steps after it did not run.
    """
    from kfp import local

    root = home.root / "kubeflow"
    arguments = {**(values or {}), "home": str(home.root)}
    open_run = home.root / OPEN_RUNS / f"{pipeline.name}.json"
    run_id = _run_id(open_run, _fingerprint(home, arguments))
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(root / "runs"),
        workspace_root=str(root / "workspace"),
        enable_caching=True,
        cache_root=str(root / "cache"),
    )
    cluster = ClusterSettings.load()
    graph = kubeflow_pipeline(pipeline, cluster, run_id=run_id, retries=retries)
    os.environ[RUNNER] = str(os.getpid())
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You may be attemping to run", RuntimeWarning)
        warnings.filterwarnings("ignore", ".*have no effect in the current local", UserWarning)
        try:
            graph(**arguments)
        except RuntimeError as error:
            raise PipelineError(f"{_ANSI.sub('', str(error))}  Its output is above.") from error
    open_run.unlink()
    return _result(pipeline, reports_folder(home, run_id))


def _run_id(open_run: Path, fingerprint: str) -> str:
    """Return the number of the run to continue, or of a new one, which is then open."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        record = json.loads(open_run.read_text())
        if record["fingerprint"] == fingerprint:
            return str(record["run"])
    run_id = secrets.token_hex(8)
    open_run.parent.mkdir(parents=True, exist_ok=True)
    with replacing(open_run) as fresh:
        fresh.write_text(json.dumps({"run": run_id, "fingerprint": fingerprint}))
    return run_id


def _fingerprint(home: Home, arguments: Mapping[str, Any]) -> str:
    """Hash what a run depends on: its arguments, the shop's files, the sealed log, and the code."""
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode())
    logged = sorted(home.log.glob("compacted/**/*.parquet"))
    for path in (home.shop_toml, home.log / "seals", *logged):
        if path.exists():
            state = path.stat()
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    digest.update(code_version().encode())
    return digest.hexdigest()


def _result(pipeline: Pipeline, reports: Path) -> dict[str, Any]:
    """Return the report of the result step that ran."""
    for name in pipeline.results:
        path = reports / f"{name}.json"
        if path.exists():
            report: dict[str, Any] = json.loads(path.read_text())
            return report
    raise PipelineError(
        f"{reports}: expected a report of {' or '.join(pipeline.results)}, found none."
    )

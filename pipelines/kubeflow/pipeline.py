"""A pipeline of steps for Kubeflow: compiled for a cluster, or run on this machine.

`run_pipeline` runs every step in a separate process; `compile_pipeline` writes the YAML file for a
Kubeflow cluster.  In a cluster the home is on the claim that the service reads too.  Results
never come from Kubeflow's cache: files that a step reads from the home are not inputs, so equal
inputs do not mean equal results.

A component imports this room in its container, where `kfp` offers `dsl` alone; so its compiler and
its local runner are imported in the functions that use them.
"""

import contextlib
import json
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from kfp import dsl

from feature_repo.home import Home, PipelineError
from pipelines.kubeflow.components import component
from pipelines.steps import ERROR, HOME, MODEL, STATE, Artifact, Pipeline, Step

CLAIM = "aisle-home"
MOUNTED_HOME = "/var/lib/aisle"
"""The persistent volume claim of the home, and where pods see it; see `k8s/base`."""
_BACKOFF = "30s"
"""Before the first retry of a step; each further wait is twice as long."""
_ANSI = re.compile(r"\x1b\[\d+m")


def kubeflow_pipeline(pipeline: Pipeline, *, in_cluster: bool = True) -> Any:
    """Return the Kubeflow form of a pipeline, with the parameters `home` and `model`.

    Each step starts after the one before it, because steps also read what earlier ones wrote into
    the home.  Steps that depend on a decision are in a condition of their own, and the step at the
    exit runs whatever happened.  Resources and retries are for a cluster: the local runner ignores
    limits, and a person sees a failure and starts the run again.
    """
    components = {
        step.name: component(step, returns=step.name in pipeline.results)
        for step in pipeline.all_steps
    }

    def run(home: str = MOUNTED_HOME, model: str = MODEL) -> None:
        tasks = _Tasks(components, {"home": home, "model": model}, in_cluster)
        with contextlib.ExitStack() as stack:
            if pipeline.on_exit is not None:
                task = tasks.start(pipeline.on_exit)
                stack.enter_context(dsl.ExitHandler(task, name=pipeline.name))
            for decision, steps in groupby(pipeline.steps, key=lambda step: step.when):
                tasks.add(decision, [*steps])

    return dsl.pipeline(name=pipeline.name, description=pipeline.description)(run)


class _Tasks:
    """The tasks of one run, as they are added in order."""

    def __init__(
        self, components: Mapping[str, Any], parameters: Mapping[str, Any], in_cluster: bool
    ) -> None:
        self._components, self._parameters = components, parameters
        self._in_cluster = in_cluster
        self._values: dict[Artifact, Any] = {}
        self._last: dsl.PipelineTask | None = None
        self._decision: Any = None

    def add(self, decision: str, steps: Sequence[Step]) -> None:
        """Add steps that run with a decision, or always where it is empty.

        A step behind a condition follows the last step before it: one within may not run.
        """
        before = self._last
        condition = dsl.If(self._decision == decision, name=decision) if decision else None
        with condition or contextlib.nullcontext():
            for step in steps:
                task = self.start(step)
                if self._last is not None and (condition is None or self._last is not before):
                    task.after(self._last)
                self._last = task
                if step.decides:
                    self._decision = task.outputs["Output"]
        if condition is not None:
            self._last = before

    def start(self, step: Step) -> "dsl.PipelineTask":
        """Return the task of a step."""
        arguments = {
            value.name: self._values[value]
            if isinstance(value, Artifact)
            else self._parameters[value.name]
            for value in step.inputs
            if value not in (STATE, ERROR)
        }
        task = self._components[step.name](**arguments)
        task.set_caching_options(False)
        if self._in_cluster:
            _configure(task, step)
        self._values |= {output: task.outputs[output.name] for output in step.outputs}
        return task


def run_pipeline(pipeline: Pipeline, home: Home, *, model: str = MODEL) -> dict[str, Any]:
    """Run a pipeline on this machine; the steps print to standard error.

    Artifacts of the run are in the home, under `kubeflow/`.  A step that fails is not tried again.

    Returns:
        The report of the pipeline's result.

    Raises:
        PipelineError: a step failed; the steps after it did not run.
    """
    from kfp import local

    root = home.root / "kubeflow"
    runs = root / "runs"
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(runs),
        workspace_root=str(root / "workspace"),
    )
    run_here = kubeflow_pipeline(pipeline, in_cluster=False)
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You may be attemping to run", RuntimeWarning)
        try:
            run_here(home=str(home.root), model=model)
        except RuntimeError as error:
            raise PipelineError(f"{_ANSI.sub('', str(error))}  Its output is above.") from error
    return _result(pipeline, max(runs.iterdir(), key=lambda run: run.stat().st_mtime_ns))


def compile_pipeline(pipeline: Pipeline, out: Path) -> Path:
    """Write a pipeline as YAML for a Kubeflow cluster, and return `out`.

    Raises:
        PipelineError: `out` does not end in .yaml, or cannot be written.
    """
    from kfp import compiler

    if out.suffix != ".yaml":
        raise PipelineError(f"Expected a file ending in .yaml to compile to, found {out}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(kubeflow_pipeline(pipeline), package_path=str(out))
    except OSError as error:
        raise PipelineError(f"The pipeline cannot be written to {out}: {error}.") from error
    return out


def _result(pipeline: Pipeline, run: Path) -> dict[str, Any]:
    """Return the report of the result step that ran."""
    for name in pipeline.results:
        path = run / name.replace("_", "-") / "executor_output.json"
        if path.exists():
            output = json.loads(path.read_text())["parameterValues"]["Output"]
            report: dict[str, Any] = json.loads(output)
            return report
    raise PipelineError(f"{run}: expected a report of {' or '.join(pipeline.results)}, found none.")


def _configure(task: "dsl.PipelineTask", step: Step) -> None:
    task.set_cpu_request(step.resources.cpu)
    task.set_memory_request(step.resources.memory)
    task.set_memory_limit(step.resources.memory)
    task.set_retry(step.retry, backoff_duration=_BACKOFF, backoff_factor=2.0)
    if HOME in step.inputs:
        _mount_home(task)


def _mount_home(task: "dsl.PipelineTask") -> None:
    """Mount the home's claim, as `kfp.kubernetes.mount_pvc` would without that package."""
    mount = {
        "mountPath": MOUNTED_HOME,
        "pvcNameParameter": {"runtimeValue": {"constant": CLAIM}},
        "constant": CLAIM,
    }
    task.platform_config["kubernetes"] = {"pvcMount": [mount]}

"""A pipeline of steps in Kubeflow's form, for its local runner and for a cluster."""

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from kfp import dsl

from pipelines.declarations import (
    DECISION,
    ERROR,
    HOME,
    PIPELINE_NAME,
    STATE,
    Artifact,
    Parameter,
    Pipeline,
    Step,
)
from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.components import RUN, component, output_of

_BACKOFF = "30s"
"""Before the first retry of a step; each further wait is twice as long."""


def kubeflow_pipeline(
    pipeline: Pipeline,
    cluster: ClusterSettings,
    *,
    run_id: str | None = None,
    retries: bool = True,
) -> Any:
    """Return the Kubeflow form of a pipeline, with the pipeline's parameters.

    Each step starts after the one before it, because steps also read what earlier ones wrote into
    the home.  Steps that depend on a decision are in a condition of their own, a step for each item
    of a list is in a loop, and the step at the exit runs whatever happened.

    Args:
        pipeline: as declared.
        cluster: settings of the pods.
        run_id: of a run on this machine, where every step is cached within the run and pods have
            no settings; None for a cluster.
        retries: whether a step that fails is tried again.
    """
    results = {*pipeline.results}
    components = {
        step.name: component(step, cluster.image, returns=step.name in results)
        for step in pipeline.all_steps
    }

    def run(*values: Any) -> None:
        parameters = dict(zip((one.name for one in pipeline.parameters), values, strict=True))
        parameters[PIPELINE_NAME.name] = pipeline.name
        tasks = _Tasks(components, results, parameters, cluster, run_id, retries=retries)
        with contextlib.ExitStack() as stack:
            if pipeline.on_exit is not None:
                task = tasks.start(pipeline.on_exit)
                task.set_caching_options(False)
                stack.enter_context(dsl.ExitHandler(task, name=pipeline.name))
            for (decision, each), steps in groupby(pipeline.steps, key=lambda s: (s.when, s.each)):
                tasks.add(decision, each, [*steps])

    _declare(run, pipeline)
    return dsl.pipeline(name=pipeline.name, description=pipeline.description)(run)


def _declare(run: Any, pipeline: Pipeline) -> None:
    """Give a function the signature and the docstring that Kubeflow reads the parameters from."""
    kinds = {parameter: _annotation(parameter) for parameter in pipeline.parameters}
    run.__signature__ = inspect.Signature(
        [
            inspect.Parameter(
                one.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=one.value,
                annotation=kind,
            )
            for one, kind in kinds.items()
        ]
    )
    run.__annotations__ = {one.name: kind for one, kind in kinds.items()}
    described = [f"    {one.name}: {one.help}" for one in kinds]
    run.__doc__ = "\n".join([pipeline.description, "", "Args:", *described])


def _annotation(parameter: Parameter) -> type:
    return list if parameter.type is tuple else parameter.type


class _Tasks:
    """The tasks of one run, as they are added in order."""

    def __init__(
        self,
        components: Mapping[str, Any],
        results: set[str],
        parameters: Mapping[str, Any],
        cluster: ClusterSettings,
        run_id: str | None,
        *,
        retries: bool,
    ) -> None:
        self._components, self._results = components, results
        self._cluster, self._run_id, self._retries = cluster, run_id, retries
        self._parameters = dict(parameters)
        self._artifacts: dict[Artifact, Any] = {}
        self._last: Any = None

    def add(self, decision: str, each: Parameter | None, steps: Sequence[Step]) -> None:
        """Add steps that run with a decision, or always where it is empty, or for each item.

        A step behind a condition follows the last step before it: one within may not run.  A step
        behind a loop waits for the list that the loop gives.
        """
        before, block = self._last, contextlib.nullcontext()
        if decision:
            block = dsl.If(self._parameters[DECISION.name] == decision, name=decision)
        elif each is not None:
            block = dsl.ParallelFor(self._parameters[each.item_of], name=each.name)
        with block as item:
            if each is not None:
                self._parameters[each.name] = item
            for step in steps:
                task = self.start(step)
                is_first = self._last is before
                if self._last is not None and not (is_first and (decision or each)):
                    task.after(self._last)
                self._last = task
        if decision or each:
            self._last = before if decision else None
        if each is not None:
            for one in (one for step in steps for one in step.gives):
                self._parameters[one.name] = dsl.Collected(self._parameters[one.name])

    def start(self, step: Step) -> "dsl.PipelineTask":
        """Return the task of a step."""
        arguments = {
            value.name: self._artifacts[value]
            if isinstance(value, Artifact)
            else self._parameters[value.name]
            for value in step.inputs
            if value not in (STATE, ERROR)
        }
        if not step.cached:
            arguments[RUN] = self._run_id or dsl.PIPELINE_JOB_ID_PLACEHOLDER
        task = self._components[step.name](**arguments)
        task.set_caching_options(step.cached or self._run_id is not None)
        if self._retries:
            backoff = "0s" if self._run_id else _BACKOFF
            task.set_retry(step.retry, backoff_duration=backoff, backoff_factor=2.0)
        if self._run_id is None:
            task.set_cpu_request(step.resources.cpu)
            task.set_memory_request(step.resources.memory)
            task.set_memory_limit(step.resources.memory)
            mounts_home = HOME in step.inputs
            self._cluster.configure(task, mounts_home=mounts_home, minutes=step.minutes)
        if step.title:
            task.set_display_name(step.title)
        self._artifacts |= {output: task.outputs[output.name] for output in step.outputs}
        returns = step.name in self._results
        for one in step.gives:
            output = output_of(step, one.name, returns=returns)
            self._parameters[one.name] = task.outputs[output]
        return task

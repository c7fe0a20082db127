"""Kubeflow components, generated from the declarations of the steps.

A lightweight component copies the source of its function into its container, and Kubeflow reads
the inputs and outputs from that function's signature.  So the source of each function is written
here from the step, and given to `linecache`, where `inspect` looks it up.
"""

import linecache
from typing import TYPE_CHECKING

from kfp import dsl

from pipelines.kubeflow.run_step import run_step
from pipelines.steps import ERROR, STATE, Artifact, Parameter, Step

if TYPE_CHECKING:
    from kfp.dsl.base_component import BaseComponent

IMAGE = "aisle:dev"
"""Contains this project and its locked dependencies; see `k8s/image`."""

_FINAL_STATUS = {STATE: "status.state", ERROR: "status.error_message or ''"}
"""Parameters that Kubeflow passes to the step at the exit of a run, in one argument `status`."""


def component(step: Step, *, returns: bool = False) -> "BaseComponent":
    """Return the component of a step; with `returns` its output is the report as JSON."""
    source, file = component_source(step, returns=returns), f"<component {step.name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {"dsl": dsl, "__name__": __name__}
    exec(compile(source, file, "exec"), names)
    return dsl.component(base_image=IMAGE, install_kfp_package=False)(names[step.name])


def component_source(step: Step, *, returns: bool = False) -> str:
    """Return the source of the function that runs a step in a container."""
    inputs = [
        f"{value.name}: dsl.Input[dsl.{value.kind}]"
        if isinstance(value, Artifact)
        else f"{value.name}: str"
        for value in step.inputs
        if value not in _FINAL_STATUS
    ]
    if not _FINAL_STATUS.keys().isdisjoint(step.inputs):
        inputs.append("status: dsl.PipelineTaskFinalStatus")
    outputs = [f"{output.name}: dsl.Output[dsl.{output.kind}]" for output in step.outputs]
    drawn = {"summary": "Markdown"} if step.figures is None else {"metrics": "Metrics"}
    if step.page:
        drawn["page"] = "HTML"
    pages = [f"{name}: dsl.Output[dsl.{kind}]" for name, kind in drawn.items()]
    values = [f'"{value.name}": {_expression(value)}' for value in (*step.inputs, *step.outputs)]
    run = f'run_step("{step.name}", {{{", ".join(values)}}}, [{", ".join(drawn)}])'
    if step.decides:
        run = f'json.loads({run})["decision"]'
    returns = returns or step.decides
    return "\n".join(
        [
            f"def {step.name}(",
            *(f"    {parameter}," for parameter in (*inputs, *outputs, *pages)),
            f") -> {'str' if returns else 'None'}:",
            f"    {step.summary!r}",
            *(["    import json", ""] if step.decides else []),
            f"    from {run_step.__module__} import run_step",
            "",
            f"    {'return ' if returns else ''}{run}",
            "",
        ]
    )


def _expression(value: Artifact | Parameter) -> str:
    """Return what a component passes for an input or output."""
    if isinstance(value, Artifact):
        return f"{value.name}.path"
    return _FINAL_STATUS.get(value, value.name)

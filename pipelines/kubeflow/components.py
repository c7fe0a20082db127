"""Kubeflow components, generated from the declarations of the steps.

A lightweight component copies the source of its function into its container, and Kubeflow reads
the inputs and outputs from that function's signature.  So the source of each function is written
here from the step, and given to `linecache`, where `inspect` looks it up.
"""

import linecache
from typing import TYPE_CHECKING, NamedTuple

from kfp import dsl

from pipelines.declarations import ERROR, STATE, Artifact, Parameter, Step
from pipelines.kubeflow.run_step import page_name, run_step

if TYPE_CHECKING:
    from kfp.dsl.base_component import BaseComponent

REPORT = "report"
"""The output of a step whose report is the result of its pipeline."""

SINGLE = "Output"
"""Kubeflow's name of the only value that a component returns."""

RUN = "run_id"
"""The argument of a step that is not cached: another run never takes its outputs."""

_FINAL_STATUS = {STATE: "status.state", ERROR: "status.error_message or ''"}
"""Parameters that Kubeflow passes to the step at the exit of a run, in one argument `status`."""


def component(step: Step, image: str, *, returns: bool = False) -> "BaseComponent":
    """Return the component of a step; with `returns` its report, as JSON, is an output too."""
    source, file = component_source(step, returns=returns), f"<component {step.name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {"dsl": dsl, "NamedTuple": NamedTuple, "__name__": __name__}
    exec(compile(source, file, "exec"), names)
    return dsl.component(base_image=image, install_kfp_package=False)(names[step.name])


def component_source(step: Step, *, returns: bool = False) -> str:
    """Return the source of the function that runs a step in a container."""
    inputs = [
        f"{value.name}: dsl.Input[dsl.{value.kind}]"
        if isinstance(value, Artifact)
        else f"{value.name}: {_type(value)}"
        for value in step.inputs
        if value not in _FINAL_STATUS
    ]
    if not _FINAL_STATUS.keys().isdisjoint(step.inputs):
        inputs.append("status: dsl.PipelineTaskFinalStatus")
    if not step.cached:
        inputs.append(f"{RUN}: str")
    outputs = [f"{output.name}: dsl.Output[dsl.{output.kind}]" for output in step.outputs]
    drawn = {"summary": "Markdown"} if step.figures is None else {"figures": "Metrics"}
    drawn |= {
        page_name(page): "HTML" if page.endswith(".html") else "Markdown" for page in step.pages
    }
    pages = [f"{name}: dsl.Output[dsl.{kind}]" for name, kind in drawn.items()]
    values = [f'"{value.name}": {_expression(value)}' for value in (*step.inputs, *step.outputs)]
    given = _given(step, returns=returns)
    shown = ", ".join(f'"{name}": {name}' for name in drawn)
    arguments = [f'"{step.name}"', f"{{{', '.join(values)}}}", f"{{{shown}}}"]
    if step.outputs:
        arguments.append(f"outputs=[{', '.join(output.name for output in step.outputs)}]")
    if given:
        arguments.append(f"gives={[*given]}")
    if not step.cached:
        arguments.append(f"{RUN}={RUN}")
    call = f"run_step({', '.join(arguments)})"
    if given:
        call = f"return {call}[0]" if len(given) == 1 else f"return {call}"
    return "\n".join(
        [
            f"def {step.name}(",
            *(f"    {parameter}," for parameter in (*inputs, *outputs, *pages)),
            f") -> {_returned(given)}:",
            *_docstring(step),
            f"    from {run_step.__module__} import run_step",
            "",
            f"    {call}",
            "",
        ]
    )


def output_of(step: Step, name: str, *, returns: bool = False) -> str:
    """Return the name of the output of a value that a step gives.

    A single one has Kubeflow's own name, by which alone its local runner evaluates conditions and
    the lists of loops.
    """
    return SINGLE if len(_given(step, returns=returns)) == 1 else name


def _given(step: Step, *, returns: bool) -> dict[str, str]:
    """Return the types of the values that a step gives, by name."""
    kinds = {one.name: "str" if step.each else _type(one) for one in step.gives}
    return kinds | ({REPORT: "str"} if returns else {})


def _returned(given: dict[str, str]) -> str:
    fields = [f'("{name}", {kind})' for name, kind in given.items()]
    if len(fields) > 1:
        return f'NamedTuple("Outputs", [{", ".join(fields)}])'
    return next(iter(given.values()), "None")


def _docstring(step: Step) -> list[str]:
    """Return the lines that Kubeflow reads the descriptions of the step and its inputs from."""
    described = [
        f"        {one.name}: {one.help}"
        for one in step.parameters
        if one.help and one not in _FINAL_STATUS
    ]
    if not described:
        return [f"    {step.summary!r}"]
    return [f'    """{step.summary}', "", "    Args:", *described, '    """']


def _type(parameter: Parameter) -> str:
    return "list" if parameter.type is tuple else parameter.type.__name__


def _expression(value: Artifact | Parameter) -> str:
    """Return what a component passes for an input or output."""
    if isinstance(value, Artifact):
        return f"{value.name}.path"
    return _FINAL_STATUS.get(value, value.name)

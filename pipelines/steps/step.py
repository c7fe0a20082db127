"""Declarations of steps and of pipelines of steps.

A step is declared once.  The command line, the demo and Kubeflow run it from that declaration.  A
shop's own package declares further steps as entry points of the group `aisle.steps`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from feature_repo.home import Home, PipelineError

Progress = Callable[[int, int | None], None]
Report = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A text that steps take: `HOME` or `MODEL_NAME`, with one value for all steps of a run."""

    name: str


@dataclass(frozen=True)
class Artifact:
    """A file or a folder that one step writes and later steps read.

    Attributes:
        name: of the parameter that passes its path to a step's function.
        kind: its type in Kubeflow.
        path: its place in the home when the step runs on this machine.
    """

    name: str
    kind: Literal["Artifact", "Dataset", "Model"]
    path: str


@dataclass(frozen=True)
class Resources:
    """Requests of a step's pod, as Kubernetes writes them: cores such as `2`, memory such as `4G`.

    The memory is also the pod's limit.
    """

    cpu: str
    memory: str


HOME = Parameter("home")
"""The folder of the home; a step that takes it mounts the home's claim in a cluster."""
MODEL_NAME = Parameter("model")
"""The published ranker's name."""
STATE, ERROR = Parameter("state"), Parameter("error")
"""How a run ended, and why it failed: for the step at its exit."""
PARAMETERS = frozenset({HOME, MODEL_NAME, STATE, ERROR})


@dataclass(frozen=True)
class Step:
    """One step of a pipeline.

    Attributes:
        name: of the step for `aisle step`, and of its Kubeflow component.
        function: does the work.  Its parameters are the names of inputs and outputs, and options
            with defaults; it returns a report that JSON can hold.
        inputs: parameters and artifacts that it reads.
        outputs: artifacts that it writes.
        resources: of its pod.
        retry: how often a cluster starts it again after a failure.
        title: what progress and the demo call it; the name without it.
        publishes: whether the service sees its result; `aisle train --no-publish` leaves it out.
        figures: the parts of the report whose numbers Kubeflow draws as metrics, all parts where
            empty; without it Kubeflow draws the whole report as a table.
        page: an HTML file within an output, such as `evaluation/evaluation.html`.
        after: for a step of a shop's package, the step that it follows; without it, the last one.
        decides: whether its report has a `decision`, on which later steps depend.
        when: the decision that it depends on; without it, it always runs.
    """

    name: str
    function: Callable[..., Report]
    inputs: tuple[Parameter | Artifact, ...]
    outputs: tuple[Artifact, ...]
    resources: Resources
    retry: int
    title: str = ""
    publishes: bool = False
    figures: tuple[str, ...] | None = None
    page: str = ""
    after: str = ""
    decides: bool = False
    when: str = ""

    def __post_init__(self) -> None:
        """Check that the function requires and accepts the parameters that the step declares."""
        unknown = {value for value in self.inputs if isinstance(value, Parameter)} - PARAMETERS
        if unknown:
            raise PipelineError(
                f"Step {self.name!r}: expected HOME, MODEL_NAME, STATE or ERROR, found {unknown}."
            )
        declared = [value.name for value in (*self.inputs, *self.outputs)]
        missing = [name for name in declared if name not in self._accepted()]
        if missing or not self.name.isidentifier():
            raise PipelineError(
                f"Step {self.name!r}: expected an identifier and a function that takes {declared}, "
                f"found a function without {missing}. Rename its parameters as they are declared."
            )
        if undeclared := [name for name in self._required() if name not in declared]:
            raise PipelineError(
                f"Step {self.name!r}: expected a function that requires only {declared}, found the "
                f"parameter {', '.join(undeclared)}. Add it to inputs or outputs, or give it a "
                "default."
            )

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or self.name).splitlines()[0]

    def call(
        self, values: Mapping[str, Any], progress: Progress | None = None, **options: Any
    ) -> Report:
        """Run the function on values of its inputs and outputs, by name, and on some options."""
        if "progress" in self._accepted():
            options["progress"] = progress
        return self.function(**values, **options)

    def run(
        self, home: Home, *, model: str = "", progress: Progress | None = None, **options: Any
    ) -> Report:
        """Run the step on this machine, with its artifacts in the home.

        Raises:
            PipelineError: an artifact that the step reads has not been written.
        """
        values: dict[str, Any] = {}
        for value in self.inputs:
            if isinstance(value, Artifact):
                values[value.name] = home.root / value.path
                if not values[value.name].exists():
                    raise PipelineError(
                        f"Step {self.name} reads the {value.name} at {values[value.name]}, "
                        "which does not exist. Run the step that writes it: `aisle step`."
                    )
            elif value == HOME:
                values[value.name] = home.root
            elif model:
                values[value.name] = model
        for output in self.outputs:
            values[output.name] = home.root / output.path
            values[output.name].parent.mkdir(parents=True, exist_ok=True)
        return self.call(values, progress, **options)

    def _accepted(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.function).parameters

    def _required(self) -> list[str]:
        """Return the parameters without a default that a caller must pass."""
        return [
            name
            for name, parameter in self._accepted().items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            and name != "progress"
        ]


@dataclass(frozen=True)
class Pipeline:
    """Steps in running order.

    Attributes:
        results: steps of which exactly one runs, and whose report a run returns.
        on_exit: the step that runs at the end, also after a failure.
    """

    name: str
    description: str
    steps: tuple[Step, ...]
    results: tuple[str, ...]
    on_exit: Step | None = None

    def __post_init__(self) -> None:
        """Check that names are unique, and that artifacts and decisions come before their use."""
        written: set[Artifact] = set()
        names: set[str] = set()
        has_decision = False
        for step in self.all_steps:
            read = {value for value in step.inputs if isinstance(value, Artifact)}
            if absent := sorted(artifact.name for artifact in read - written):
                raise PipelineError(
                    f"Step {step.name} of {self.name} reads {absent}: expected an earlier step "
                    f"that writes them, found {sorted(names)}."
                )
            if step.name in names:
                raise PipelineError(
                    f"Step {step.name!r}: expected a name that no other step of {self.name} has, "
                    "found two steps; rename one."
                )
            if step.when and not has_decision:
                raise PipelineError(
                    f"Step {step.name} of {self.name} runs on the decision {step.when!r}: expected "
                    "an earlier step that decides, found none."
                )
            has_decision = has_decision or step.decides
            names.add(step.name)
            written.update(step.outputs)
        if absent := [name for name in self.results if name not in names]:
            raise PipelineError(f"{self.name} returns {absent}: expected some of {sorted(names)}.")

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps, with the one at the exit."""
        return (*self.steps, *((self.on_exit,) if self.on_exit else ()))

    def run_here(
        self, run: Callable[[Step], Report], skip: Callable[[Step], bool] = lambda _: False
    ) -> dict[str, Report]:
        """Run the steps one after the other, each unless a decision excludes it.

        Args:
            run: runs one step.
            skip: whether the caller leaves a step out.

        Returns:
            The reports by name of the step.
        """
        reports: dict[str, Report] = {}
        decision = ""
        for step in self.steps:
            if step.when not in ("", decision) or skip(step):
                continue
            reports[step.name] = run(step)
            if step.decides:
                decision = reports[step.name]["decision"]
        return reports

    def step(self, name: str) -> Step:
        """Return the step of a name.

        Raises:
            PipelineError: there is none.
        """
        for step in self.all_steps:
            if step.name == name:
                return step
        names = ", ".join(step.name for step in self.all_steps)
        raise PipelineError(f"Expected a step of {self.name} ({names}), found {name!r}.")

    def with_steps(self, added: Iterable[Step]) -> "Pipeline":
        """Return the pipeline with further steps, each behind the one that it is to follow."""
        steps = list(self.steps)
        for step in added:
            if not step.after:
                steps.append(step)
                continue
            previous = self.step(step.after)
            steps.insert(steps.index(previous) + 1, step)
        return replace(self, steps=tuple(steps))

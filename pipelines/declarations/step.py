"""The declaration of a step: what it reads and writes, the function that does it, its pod.

A step is declared once.  The command line, the demo and Kubeflow run it from that declaration.  A
shop's own package declares further steps as entry points of the group `aisle.steps`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from feature_repo.home import Home, PipelineError
from pipelines.declarations.parameter import Parameter
from pipelines.declarations.parameters import DECISION, HOME

Progress = Callable[[int, int | None], None]
Report = dict[str, Any]


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
        pages: HTML and Markdown files within outputs, such as `evaluation/evaluation.html`, which
            Kubeflow shows.
        metadata: parts of the report that Kubeflow shows with the outputs, with their hash.
        after: for a step of a shop's package, the step that it follows; without it, the last one.
        gives: parameters whose values are in its report, for later steps; of a step that runs for
            each item, a list of texts, one in the report of each.
        when: the decision (`DECISION` of an earlier step) that it depends on; without it, it
            always runs.
        cached: whether its inputs alone determine its outputs, so that a run with equal inputs
            takes them from an earlier one.
        ahead: whether it only begins the work of a later step, in parallel pods; `run_here` leaves
            it out, because one process does that work at once and reads the rows once.
        minutes: after which a cluster ends it.
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
    pages: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    after: str = ""
    gives: tuple[Parameter, ...] = ()
    when: str = ""
    cached: bool = False
    ahead: bool = False
    minutes: int = 120

    def __post_init__(self) -> None:
        """Check that the function requires and accepts the parameters that the step declares."""
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
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters among its inputs."""
        return tuple(value for value in self.inputs if isinstance(value, Parameter))

    @property
    def each(self) -> Parameter | None:
        """The parameter that takes each item of a list; None for a step that runs once."""
        return next((parameter for parameter in self.parameters if parameter.item_of), None)

    @property
    def decides(self) -> bool:
        """Whether later steps depend on its decision."""
        return DECISION in self.gives

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
        self,
        home: Home,
        parameters: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> Report:
        """Run the step on this machine, with its artifacts in the home.

        Args:
            home: its folder is the value of `HOME`.
            parameters: values by name; the others have their defaults.
            progress: passed to a function that takes it.
            options: of the function, besides what the step declares.

        Raises:
            PipelineError: an artifact that the step reads has not been written.
        """
        chosen = {**(parameters or {}), HOME.name: home.root}
        values = {one.name: chosen.get(one.name, one.value) for one in self.parameters}
        for value in self.inputs:
            if isinstance(value, Artifact):
                values[value.name] = home.root / value.path
                if not values[value.name].exists():
                    raise PipelineError(
                        f"Step {self.name} reads the {value.name} at {values[value.name]}, "
                        "which does not exist. Run the step that writes it: `aisle step`."
                    )
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

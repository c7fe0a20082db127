"""The declaration of a pipeline: steps in running order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from feature_repo.home import PipelineError
from pipelines.declarations.parameter import Parameter
from pipelines.declarations.parameters import DECISION, ERROR, HOME, PIPELINE_NAME, STATE
from pipelines.declarations.step import Artifact, Report, Step

Run = Callable[[Step, Mapping[str, Any]], Report]
"""Runs a step on the values of its parameters, by name, and returns its report."""


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
        """Check that names are unique, and that values come before their use."""
        written: set[Artifact] = set()
        given: set[str] = set()
        names: set[str] = set()
        previous: Step | None = None
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
            if step.when and DECISION.name not in given:
                raise PipelineError(
                    f"Step {step.name} of {self.name} runs on the decision {step.when!r}: expected "
                    "an earlier step that decides, found none."
                )
            if step.each is not None and step.each.item_of not in given:
                raise PipelineError(
                    f"Step {step.name} of {self.name} runs for each of {step.each.item_of}: "
                    "expected an earlier step that gives this list, found none."
                )
            if previous is not None and previous.each and not step.each:
                waits = {*previous.gives} & {*step.parameters}
                if not waits:
                    raise PipelineError(
                        f"Step {step.name} of {self.name} follows {previous.name}, which runs for "
                        "each item: expected an input that it gives, found none."
                    )
            previous = step
            given.update(parameter.name for parameter in step.gives)
            names.add(step.name)
            written.update(step.outputs)
        if absent := [name for name in self.results if name not in names]:
            raise PipelineError(f"{self.name} returns {absent}: expected some of {sorted(names)}.")

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps, with the one at the exit."""
        return (*self.steps, *((self.on_exit,) if self.on_exit else ()))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that a run takes: of its steps, but those that an earlier step gives."""
        given = {parameter.name for step in self.steps for parameter in step.gives}
        given |= {PIPELINE_NAME.name, STATE.name, ERROR.name}
        taken = [
            value
            for step in self.all_steps
            for value in step.inputs
            if isinstance(value, Parameter) and value.name not in given and not value.item_of
        ]
        return tuple(dict.fromkeys(taken))

    @property
    def options(self) -> tuple[Parameter, ...]:
        """The parameters that a person chooses: all but the home."""
        return tuple(parameter for parameter in self.parameters if parameter != HOME)

    def run_here(
        self,
        run: Run,
        skip: Callable[[Step], bool] = lambda _: False,
        values: Mapping[str, Any] | None = None,
    ) -> dict[str, Report]:
        """Run the steps one after the other, but those excluded by a decision or working ahead.

        Args:
            run: runs one step.
            skip: whether the caller leaves a step out.
            values: of the pipeline's parameters, by name; others have their defaults.

        Returns:
            The reports by name of the step; of a step that runs for each item, `items`, the
            report of each.
        """
        reports: dict[str, Report] = {}
        present: dict[str, Any] = {one.name: one.value for one in self.parameters}
        present |= values or {}
        for step in self.steps:
            excluded = step.ahead or step.when not in ("", present.get(DECISION.name))
            if excluded or skip(step):
                continue
            if step.each is None:
                reports[step.name] = run(step, present)
            else:
                items = present[step.each.item_of]
                each = [run(step, {**present, step.each.name: item}) for item in items]
                lists = {one.name: [report[one.name] for report in each] for one in step.gives}
                reports[step.name] = {"items": each, **lists}
            present |= {one.name: reports[step.name][one.name] for one in step.gives}
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

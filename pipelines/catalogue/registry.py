"""All pipelines by name, with the steps and pipelines that installed packages add."""

from feature_repo.home import PipelineError, did_you_mean, extension_error, extensions
from pipelines.catalogue.backfill import BACKFILL
from pipelines.catalogue.features import FEATURES
from pipelines.catalogue.indices import INDICES
from pipelines.catalogue.reports import DAILY_REPORT, VERIFY
from pipelines.catalogue.retrain import RETRAIN
from pipelines.catalogue.search import SEARCH_PIPELINE
from pipelines.declarations import Pipeline, Step

OF_STEPS = "aisle.steps"
OF_PIPELINES = "aisle.pipelines"
"""The entry point groups of steps, which join `retrain`, and of whole pipelines."""

_BUILT_IN = (FEATURES, INDICES, RETRAIN, SEARCH_PIPELINE, BACKFILL, DAILY_REPORT, VERIFY)


def pipelines() -> dict[str, Pipeline]:
    """Return all pipelines by name.

    Raises:
        ExtensionError: a package declares a step or pipeline that cannot be loaded, or has a name
            that is in use.
        PipelineError: a step of a package does not fit into `retrain`.
    """
    built_in = {pipeline.name: pipeline for pipeline in _BUILT_IN}
    steps, added = extensions(OF_STEPS, Step), extensions(OF_PIPELINES, Pipeline)
    taken = {step.name for pipeline in _BUILT_IN for step in pipeline.all_steps}
    _check_names(OF_STEPS, steps.keys() & taken, "step")
    _check_names(OF_PIPELINES, added.keys() & built_in.keys(), "pipeline")
    built_in[RETRAIN.name] = RETRAIN.with_steps(steps.values())
    return {**built_in, **added}


def pipeline_of(name: str) -> Pipeline:
    """Return the pipeline of a name.

    Raises:
        PipelineError: there is none.
    """
    available = pipelines()
    if name not in available:
        hint = did_you_mean(name, [*available]) or "`aisle pipeline list` describes them."
        raise PipelineError(f"Expected a pipeline ({', '.join(available)}), found {name!r}; {hint}")
    return available[name]


def steps() -> dict[str, Step]:
    """Return the steps of all pipelines by name.

    Raises:
        ExtensionError: as `pipelines`, or two pipelines have different steps of one name.
    """
    by_name: dict[str, Step] = {}
    for pipeline in pipelines().values():
        for step in pipeline.all_steps:
            if by_name.setdefault(step.name, step) != step:
                raise extension_error(
                    OF_PIPELINES,
                    pipeline.name,
                    "names of steps that no other pipeline has for other steps",
                    f"another step {step.name}",
                    "Rename it.",
                )
    return by_name


def find_step(name: str) -> Step:
    """Return the step of a name.

    Raises:
        PipelineError: there is none.
    """
    available = steps()
    if name not in available:
        hint = did_you_mean(name, [*available]) or "`aisle step` lists them."
        raise PipelineError(f"Expected a step ({', '.join(available)}), found {name!r}; {hint}")
    return available[name]


def _check_names(group: str, repeated: set[str], what: str) -> None:
    for name in sorted(repeated):
        expected = f"a name that no other {what} has"
        raise extension_error(group, name, expected, f"the name of another {what}", "Rename it.")

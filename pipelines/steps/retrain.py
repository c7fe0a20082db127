"""The retraining pipeline: each step declared once, in running order.

    transform_features -> build_dataset -> train_ranker -> evaluate_ranker -> check_gate ->
    (publish_ranker | reject_ranker), publish_indexes; at the end, report_run

To add a step, write its function in `steps.py` and declare it here.
"""

from dataclasses import replace

from feature_repo.home import extension_error, extensions
from pipelines.steps import steps
from pipelines.steps.step import (
    ERROR,
    HOME,
    MODEL_NAME,
    STATE,
    Artifact,
    Pipeline,
    Resources,
    Step,
)

GROUP = "aisle.steps"
"""The entry point group of steps in installed packages."""

PUBLISH, REJECT = "publish", "reject"
"""The decisions of the gate."""

DATASET = Artifact("dataset", "Dataset", "datasets/ranking.parquet")
RANKER = Artifact("ranker", "Model", "build/ranker")
EVALUATION = Artifact("evaluation", "Artifact", "build/evaluation")
VERDICT = Artifact("verdict", "Artifact", "build/verdict")

TRANSFORM_FEATURES = Step(
    name="transform_features",
    function=steps.transform_features,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="2", memory="4G"),
    retry=2,
    title="features",
)
BUILD_DATASET = Step(
    name="build_dataset",
    function=steps.build_dataset,
    inputs=(HOME,),
    outputs=(DATASET,),
    resources=Resources(cpu="2", memory="4G"),
    retry=2,
    title="dataset",
    figures=(),
)
TRAIN_RANKER = Step(
    name="train_ranker",
    function=steps.train_ranker,
    inputs=(HOME, DATASET, MODEL_NAME),
    outputs=(RANKER,),
    resources=Resources(cpu="2", memory="4G"),
    retry=1,
    title="training",
    figures=("chosen",),
)
EVALUATE_RANKER = Step(
    name="evaluate_ranker",
    function=steps.evaluate_ranker,
    inputs=(DATASET, RANKER),
    outputs=(EVALUATION,),
    resources=Resources(cpu="1", memory="4G"),
    retry=1,
    title="evaluate",
    figures=("test",),
    page="evaluation/evaluation.html",
)
CHECK_GATE = Step(
    name="check_gate",
    function=steps.check_gate,
    inputs=(RANKER, EVALUATION),
    outputs=(VERDICT,),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="gate",
    decides=True,
)
PUBLISH_RANKER = Step(
    name="publish_ranker",
    function=steps.publish_ranker,
    inputs=(HOME, RANKER, EVALUATION, VERDICT, MODEL_NAME),
    outputs=(),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="publish",
    publishes=True,
    when=PUBLISH,
)
REJECT_RANKER = replace(
    PUBLISH_RANKER,
    name="reject_ranker",
    function=steps.reject_ranker,
    title="reject",
    when=REJECT,
)
PUBLISH_INDEXES = Step(
    name="publish_indexes",
    function=steps.publish_indexes,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="1", memory="4G"),
    retry=2,
    title="indices",
    publishes=True,
)

REPORT_RUN = Step(
    name="report_run",
    function=steps.report_run,
    inputs=(HOME, STATE, ERROR),
    outputs=(),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="report",
)

RETRAIN = Pipeline(
    name="retrain",
    description="Learn a ranker from the events of one home.",
    steps=(
        TRANSFORM_FEATURES,
        BUILD_DATASET,
        TRAIN_RANKER,
        EVALUATE_RANKER,
        CHECK_GATE,
        PUBLISH_RANKER,
        REJECT_RANKER,
        PUBLISH_INDEXES,
    ),
    results=(PUBLISH_RANKER.name, REJECT_RANKER.name),
    on_exit=REPORT_RUN,
)


def retrain_pipeline() -> Pipeline:
    """Return the pipeline with the steps that installed packages add to it.

    Raises:
        ExtensionError: a package declares a step that cannot be loaded or has a name of RETRAIN.
        PipelineError: such a step does not fit into the pipeline.
    """
    added = extensions(GROUP, Step)
    for step in RETRAIN.all_steps:
        if step.name in added:
            raise extension_error(
                GROUP,
                step.name,
                f"a name that no step of {RETRAIN.name} has",
                "one of its steps",
                "Rename it.",
            )
    return RETRAIN.with_steps(added.values())

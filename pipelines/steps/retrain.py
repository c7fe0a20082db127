"""The retraining pipeline: each step declared once, in running order.

    transform_features -> build_dataset -> train_ranker -> evaluate_ranker -> publish_ranker ->
    publish_indexes

To add a step, write its function in `steps.py` and declare it here.
"""

from feature_repo.home import extension_error, extensions
from pipelines.steps import steps
from pipelines.steps.step import HOME, MODEL_NAME, Artifact, Pipeline, Resources, Step

GROUP = "aisle.steps"
"""The entry point group of steps in installed packages."""

DATASET = Artifact("dataset", "Dataset", "datasets/ranking.parquet")
RANKER = Artifact("ranker", "Model", "build/ranker")
EVALUATION = Artifact("evaluation", "Artifact", "build/evaluation")

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
PUBLISH_RANKER = Step(
    name="publish_ranker",
    function=steps.publish_ranker,
    inputs=(HOME, RANKER, EVALUATION, MODEL_NAME),
    outputs=(),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="publish",
    publishes=True,
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

RETRAIN = Pipeline(
    name="retrain",
    description="Learn a ranker from the events of one home.",
    steps=(
        TRANSFORM_FEATURES,
        BUILD_DATASET,
        TRAIN_RANKER,
        EVALUATE_RANKER,
        PUBLISH_RANKER,
        PUBLISH_INDEXES,
    ),
    result=PUBLISH_RANKER.name,
)


def retrain_pipeline() -> Pipeline:
    """Return the pipeline with the steps that installed packages add to it.

    Raises:
        ExtensionError: a package declares a step that cannot be loaded or has a name of RETRAIN.
        PipelineError: such a step does not fit into the pipeline.
    """
    added = extensions(GROUP, Step)
    for step in RETRAIN.steps:
        if step.name in added:
            raise extension_error(
                GROUP,
                step.name,
                f"a name that no step of {RETRAIN.name} has",
                "one of its steps",
                "Rename it.",
            )
    return RETRAIN.with_steps(added.values())

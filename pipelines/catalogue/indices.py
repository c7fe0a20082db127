"""The pipeline of candidate indexes."""

from pipelines.catalogue.features import REPORT_RUN, TRANSFORM_FEATURES
from pipelines.declarations import HOME, Pipeline, Resources, Step
from pipelines.steps import index_steps

PUBLISH_INDEXES = Step(
    name="publish_indexes",
    function=index_steps.publish_indexes,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="1", memory="4G"),
    retry=2,
    title="indices",
    publishes=True,
)

INDICES = Pipeline(
    name="indices",
    description="Fit and publish the candidate indexes on the present features.",
    steps=(TRANSFORM_FEATURES, PUBLISH_INDEXES),
    results=(PUBLISH_INDEXES.name,),
    on_exit=REPORT_RUN,
)

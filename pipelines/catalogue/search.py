"""The pipeline of a search for the configuration of the ranker.

transform_features -> pin_inputs -> build_dataset -> search_configuration; at the end, report_run
"""

from pipelines.catalogue.features import REPORT_RUN, TRANSFORM_FEATURES
from pipelines.catalogue.retrain import BUILD_DATASET, PIN_INPUTS
from pipelines.declarations import (
    CONFIGURATION,
    DATASET,
    HOME,
    SEARCH_SECONDS,
    TRIALS,
    Pipeline,
    Resources,
    Step,
)
from pipelines.steps import ranker_steps

SEARCH_CONFIGURATION = Step(
    name="search_configuration",
    function=ranker_steps.search_configuration,
    inputs=(HOME, DATASET, TRIALS, SEARCH_SECONDS),
    outputs=(CONFIGURATION,),
    resources=Resources(cpu="2", memory="4G"),
    retry=1,
    title="search",
    figures=("best",),
    minutes=720,
)

SEARCH_PIPELINE = Pipeline(
    name="search",
    description="Search for the best configuration; a later training uses its trials.",
    steps=(TRANSFORM_FEATURES, PIN_INPUTS, BUILD_DATASET, SEARCH_CONFIGURATION),
    results=(SEARCH_CONFIGURATION.name,),
    on_exit=REPORT_RUN,
)

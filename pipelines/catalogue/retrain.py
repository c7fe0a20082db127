"""The retraining pipeline: each step declared once, in running order.

    transform_features -> pin_inputs -> build_dataset -> describe_dataset -> choose_configuration ->
    fit_contender for each variant -> train_ranker -> evaluate_ranker -> check_gate ->
    (publish_ranker | reject_ranker), publish_indexes; at the end, report_run

To add a step, write its function in `pipelines/steps` and declare it here.
"""

from dataclasses import replace

from pipelines.catalogue.features import REPORT_RUN, TRANSFORM_FEATURES
from pipelines.catalogue.indices import PUBLISH_INDEXES
from pipelines.declarations import (
    CONTENDER,
    CONTENDERS,
    DATASET,
    DECISION,
    EVALUATION,
    FEATURES,
    FITTED,
    FORCE,
    GAINS,
    HOME,
    HORIZON_DAYS,
    IN_USE,
    MARGIN,
    METRICS,
    MODEL_NAME,
    RANKER,
    SEARCH,
    SEARCH_SECONDS,
    STATISTICS,
    VERDICT,
    Pipeline,
    Resources,
    Step,
)
from pipelines.steps import ranker_steps as steps

PUBLISH, REJECT = "publish", "reject"
"""The decisions of the gate."""

PIN_INPUTS = Step(
    name="pin_inputs",
    function=steps.pin_inputs,
    inputs=(HOME, MODEL_NAME),
    outputs=(),
    resources=Resources(cpu="0.5", memory="1G"),
    retry=2,
    title="inputs",
    gives=(FEATURES, IN_USE),
)
BUILD_DATASET = Step(
    name="build_dataset",
    function=steps.build_dataset,
    inputs=(HOME, FEATURES, GAINS, HORIZON_DAYS),
    outputs=(DATASET,),
    resources=Resources(cpu="2", memory="4G"),
    retry=2,
    title="dataset",
    figures=(),
    metadata=("rows", "columns", "rankings", "clicked_rankings", "first", "last"),
    cached=True,
)
DESCRIBE_DATASET = Step(
    name="describe_dataset",
    function=steps.describe_dataset,
    inputs=(DATASET,),
    outputs=(STATISTICS,),
    resources=Resources(cpu="1", memory="2G"),
    retry=2,
    title="statistics",
    figures=(),
    pages=(f"{STATISTICS.name}/{steps.STATISTICS_PAGE}",),
    cached=True,
)
CHOOSE_CONFIGURATION = Step(
    name="choose_configuration",
    function=steps.choose_configuration,
    inputs=(HOME, DATASET, SEARCH, SEARCH_SECONDS),
    outputs=(),
    resources=Resources(cpu="2", memory="4G"),
    retry=1,
    title="configurations",
    gives=(CONTENDERS,),
    cached=True,
    ahead=True,
)
FIT_CONTENDER = Step(
    name="fit_contender",
    function=steps.fit_contender,
    inputs=(HOME, DATASET, CONTENDER, SEARCH, SEARCH_SECONDS),
    outputs=(),
    resources=Resources(cpu="2", memory="4G"),
    retry=1,
    title="contender",
    gives=(FITTED,),
    cached=True,
    ahead=True,
)
TRAIN_RANKER = Step(
    name="train_ranker",
    function=steps.train_ranker,
    inputs=(HOME, DATASET, SEARCH, SEARCH_SECONDS, FITTED),
    outputs=(RANKER,),
    resources=Resources(cpu="2", memory="4G"),
    retry=1,
    title="training",
    figures=("chosen",),
    metadata=("learned_until", "calibration_error"),
    cached=True,
)
EVALUATE_RANKER = Step(
    name="evaluate_ranker",
    function=steps.evaluate_ranker,
    inputs=(HOME, DATASET, RANKER, METRICS),
    outputs=(EVALUATION,),
    resources=Resources(cpu="1", memory="4G"),
    retry=1,
    title="evaluate",
    figures=("test",),
    pages=("evaluation/evaluation.html", "evaluation/model_card.md"),
    cached=True,
)
CHECK_GATE = Step(
    name="check_gate",
    function=steps.check_gate,
    inputs=(HOME, DATASET, RANKER, MODEL_NAME, IN_USE, MARGIN, FORCE),
    outputs=(VERDICT,),
    resources=Resources(cpu="1", memory="4G"),
    retry=2,
    title="gate",
    gives=(DECISION,),
    pages=("verdict/verdict.md",),
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
RETRAIN = Pipeline(
    name="retrain",
    description="Learn a ranker from the events of one home.",
    steps=(
        TRANSFORM_FEATURES,
        PIN_INPUTS,
        BUILD_DATASET,
        DESCRIBE_DATASET,
        CHOOSE_CONFIGURATION,
        FIT_CONTENDER,
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

"""The pipeline of features: from new events to rows that the service reads.

ingest_events -> validate -> transform_features -> apply_catalogue -> materialize_features ->
clean_home -> check_freshness; at the end, report_run
"""

from pipelines.declarations import (
    ERROR,
    EVENTS,
    FULL,
    HOME,
    LATE,
    PIPELINE_NAME,
    STATE,
    VALIDATION,
    Pipeline,
    Resources,
    Step,
)
from pipelines.steps import VALIDATION_PAGE, feature_steps, report_steps, validate

INGEST_EVENTS = Step(
    name="ingest_events",
    function=feature_steps.ingest_events,
    inputs=(HOME, EVENTS, LATE),
    outputs=(),
    resources=Resources(cpu="1", memory="2G"),
    retry=2,
    title="events",
)
VALIDATE = Step(
    name="validate",
    function=validate,
    inputs=(HOME,),
    outputs=(VALIDATION,),
    resources=Resources(cpu="1", memory="3G"),
    retry=1,
    title="contracts",
    figures=(),
    pages=(VALIDATION_PAGE,),
)
TRANSFORM_FEATURES = Step(
    name="transform_features",
    function=feature_steps.transform_features,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="2", memory="4G"),
    retry=2,
    title="features",
)
APPLY_CATALOGUE = Step(
    name="apply_catalogue",
    function=feature_steps.apply_catalogue,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="catalogue",
)
MATERIALIZE_FEATURES = Step(
    name="materialize_features",
    function=feature_steps.materialize_features,
    inputs=(HOME, FULL),
    outputs=(),
    resources=Resources(cpu="1", memory="4G"),
    retry=2,
    title="load",
)
CLEAN_HOME = Step(
    name="clean_home",
    function=feature_steps.clean_home,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="0.5", memory="1G"),
    retry=2,
    title="erasures",
)
CHECK_FRESHNESS = Step(
    name="check_freshness",
    function=feature_steps.check_freshness,
    inputs=(HOME,),
    outputs=(),
    resources=Resources(cpu="0.5", memory="1G"),
    retry=1,
    title="freshness",
)
REPORT_RUN = Step(
    name="report_run",
    function=report_steps.report_run,
    inputs=(HOME, PIPELINE_NAME, STATE, ERROR),
    outputs=(),
    resources=Resources(cpu="0.5", memory="1G"),
    retry=2,
    title="report",
)

FEATURES = Pipeline(
    name="features",
    description="Bring new events into the features, offline and in Redis.",
    steps=(
        INGEST_EVENTS,
        VALIDATE,
        TRANSFORM_FEATURES,
        APPLY_CATALOGUE,
        MATERIALIZE_FEATURES,
        CLEAN_HOME,
        CHECK_FRESHNESS,
    ),
    results=(CHECK_FRESHNESS.name,),
    on_exit=REPORT_RUN,
)

"""The pipeline of a backfill: events of past days keep their times, and features are rebuilt.

split_days -> validate_day for each day -> backfill_days -> transform_features ->
apply_catalogue -> materialize_features -> check_freshness; at the end, report_run
"""

from pipelines.catalogue.features import (
    APPLY_CATALOGUE,
    CHECK_FRESHNESS,
    MATERIALIZE_FEATURES,
    REPORT_RUN,
    TRANSFORM_FEATURES,
)
from pipelines.declarations import (
    DAY_FILE,
    DAY_FILES,
    DAYS,
    EVENTS,
    HOME,
    MOST_QUARANTINED,
    SINCE,
    UNTIL,
    VALID_DAYS,
    Pipeline,
    Resources,
    Step,
)
from pipelines.steps import backfill_steps

SPLIT_DAYS = Step(
    name="split_days",
    function=backfill_steps.split_days,
    inputs=(EVENTS, SINCE, UNTIL),
    outputs=(DAY_FILES,),
    resources=Resources(cpu="1", memory="1G"),
    retry=2,
    title="days",
    gives=(DAYS,),
)
VALIDATE_DAY = Step(
    name="validate_day",
    function=backfill_steps.validate_day,
    inputs=(HOME, DAY_FILES, DAY_FILE, MOST_QUARANTINED),
    outputs=(),
    resources=Resources(cpu="1", memory="1G"),
    retry=1,
    title="events of a day",
    gives=(VALID_DAYS,),
)
BACKFILL_DAYS = Step(
    name="backfill_days",
    function=backfill_steps.backfill_days,
    inputs=(HOME, DAY_FILES, VALID_DAYS),
    outputs=(),
    resources=Resources(cpu="1", memory="2G"),
    retry=2,
    title="events",
)

BACKFILL = Pipeline(
    name="backfill",
    description="Add the events of past days with their own times, and rebuild the features.",
    steps=(
        SPLIT_DAYS,
        VALIDATE_DAY,
        BACKFILL_DAYS,
        TRANSFORM_FEATURES,
        APPLY_CATALOGUE,
        MATERIALIZE_FEATURES,
        CHECK_FRESHNESS,
    ),
    results=(CHECK_FRESHNESS.name,),
    on_exit=REPORT_RUN,
)

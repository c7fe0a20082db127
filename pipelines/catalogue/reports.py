"""The pipelines that report and change nothing that is served: on a day, and on sameness."""

from pipelines.catalogue.features import CHECK_FRESHNESS, REPORT_RUN
from pipelines.declarations import (
    DATE,
    DAY,
    HOME,
    PARITY,
    SINCE,
    UNTIL,
    Pipeline,
    Resources,
    Step,
)
from pipelines.steps import DAY_PAGE, report_day, report_steps

REPORT_DAY = Step(
    name="report_day",
    function=report_day,
    inputs=(HOME, DATE),
    outputs=(DAY,),
    resources=Resources(cpu="1", memory="2G"),
    retry=2,
    title="day",
    figures=(),
    pages=(f"{DAY.name}/{DAY_PAGE}",),
)
VERIFY_FEATURES = Step(
    name="verify_features",
    function=report_steps.verify_features,
    inputs=(HOME, SINCE, UNTIL),
    outputs=(PARITY,),
    resources=Resources(cpu="1", memory="4G"),
    retry=1,
    title="verify",
)

DAILY_REPORT = Pipeline(
    name="daily_report",
    description="Report what happened on a day, and how fresh the features are.",
    steps=(REPORT_DAY, CHECK_FRESHNESS),
    results=(REPORT_DAY.name,),
    on_exit=REPORT_RUN,
)
VERIFY = Pipeline(
    name="verify",
    description="Compare logged feature vectors with those that training computes.",
    steps=(VERIFY_FEATURES,),
    results=(VERIFY_FEATURES.name,),
    on_exit=REPORT_RUN,
)

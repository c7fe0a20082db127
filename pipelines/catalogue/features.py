"""The pipeline of features: from the log's new events to rows that the service reads."""

from pipelines.declarations import HOME, VALIDATION, Resources, Step
from pipelines.steps import VALIDATION_PAGE, validate

VALIDATE = Step(
    name="validate",
    function=validate,
    inputs=(HOME,),
    outputs=(VALIDATION,),
    resources=Resources(cpu="1", memory="3G"),
    retry=1,
    title="contracts",
    figures=(),
    page=VALIDATION_PAGE,
)

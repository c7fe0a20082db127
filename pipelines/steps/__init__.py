"""The steps of the platform: one declaration of each, and of the pipelines they form."""

from pipelines.steps.home_redis import home_redis
from pipelines.steps.refresh import RefreshReport, parse_period, refresh, refresh_every
from pipelines.steps.retrain import (
    BUILD_DATASET,
    DATASET,
    EVALUATE_RANKER,
    EVALUATION,
    PUBLISH_INDICES,
    RANKER,
    RETRAIN,
    TRANSFORM_FEATURES,
    retrain_pipeline,
)
from pipelines.steps.step import (
    HOME,
    MODEL_NAME,
    Artifact,
    Parameter,
    Pipeline,
    Report,
    Resources,
    Step,
)
from pipelines.steps.steps import MODEL

__all__ = [
    "BUILD_DATASET",
    "DATASET",
    "EVALUATE_RANKER",
    "EVALUATION",
    "HOME",
    "MODEL",
    "MODEL_NAME",
    "PUBLISH_INDICES",
    "RANKER",
    "RETRAIN",
    "TRANSFORM_FEATURES",
    "Artifact",
    "Parameter",
    "Pipeline",
    "RefreshReport",
    "Report",
    "Resources",
    "Step",
    "home_redis",
    "parse_period",
    "refresh",
    "refresh_every",
    "retrain_pipeline",
]

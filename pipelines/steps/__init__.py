"""The steps of the platform: one declaration of each, and of the pipelines they form."""

from pipelines.steps.home_redis import ensure_home_redis, home_redis, load_missing_features
from pipelines.steps.refresh import parse_period, refresh, refresh_every
from pipelines.steps.retention import remove_unneeded
from pipelines.steps.retrain import (
    DATASET,
    EVALUATE_RANKER,
    EVALUATION,
    PUBLISH_INDEXES,
    RANKER,
    TRANSFORM_FEATURES,
    retrain_pipeline,
)
from pipelines.steps.step import (
    ERROR,
    HOME,
    MODEL_NAME,
    STATE,
    Artifact,
    Parameter,
    Pipeline,
    Report,
    Resources,
    Step,
)
from pipelines.steps.steps import MODEL
from pipelines.steps.validate import VALIDATE, VALIDATION_REPORT

__all__ = [
    "DATASET",
    "ERROR",
    "EVALUATE_RANKER",
    "EVALUATION",
    "HOME",
    "MODEL",
    "MODEL_NAME",
    "PUBLISH_INDEXES",
    "RANKER",
    "STATE",
    "TRANSFORM_FEATURES",
    "VALIDATE",
    "VALIDATION_REPORT",
    "Artifact",
    "Parameter",
    "Pipeline",
    "Report",
    "Resources",
    "Step",
    "ensure_home_redis",
    "home_redis",
    "load_missing_features",
    "parse_period",
    "refresh",
    "refresh_every",
    "remove_unneeded",
    "retrain_pipeline",
]

"""The pipelines of the platform, each a sentence of declared steps."""

from pipelines.catalogue.features import (
    APPLY_CATALOGUE,
    MATERIALIZE_FEATURES,
    TRANSFORM_FEATURES,
    VALIDATE,
)
from pipelines.catalogue.indices import PUBLISH_INDEXES
from pipelines.catalogue.registry import find_step, pipeline_of, pipelines, steps
from pipelines.catalogue.reports import VERIFY_FEATURES
from pipelines.catalogue.retrain import EVALUATE_RANKER

__all__ = [
    "APPLY_CATALOGUE",
    "EVALUATE_RANKER",
    "MATERIALIZE_FEATURES",
    "PUBLISH_INDEXES",
    "TRANSFORM_FEATURES",
    "VALIDATE",
    "VERIFY_FEATURES",
    "find_step",
    "pipeline_of",
    "pipelines",
    "steps",
]

"""The pipelines of the platform, each a sentence of declared steps."""

from pipelines.catalogue.features import VALIDATE
from pipelines.catalogue.registry import find_step, pipeline_of, pipelines, steps
from pipelines.catalogue.retrain import (
    EVALUATE_RANKER,
    PUBLISH_INDEXES,
    TRANSFORM_FEATURES,
)

__all__ = [
    "EVALUATE_RANKER",
    "PUBLISH_INDEXES",
    "TRANSFORM_FEATURES",
    "VALIDATE",
    "find_step",
    "pipeline_of",
    "pipelines",
    "steps",
]

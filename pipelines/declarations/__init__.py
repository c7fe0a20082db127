"""How steps and pipelines are declared: parameters, artifacts, steps, and their order."""

from pipelines.declarations.artifacts import DATASET, EVALUATION, RANKER, VALIDATION, VERDICT
from pipelines.declarations.parameter import Parameter
from pipelines.declarations.parameters import (
    DECISION,
    ERROR,
    FEATURES,
    FORCE,
    GAINS,
    HOME,
    HORIZON_DAYS,
    IN_USE,
    MARGIN,
    METRICS,
    MODEL,
    MODEL_NAME,
    SEARCH,
    SEARCH_SECONDS,
    STATE,
)
from pipelines.declarations.pipeline import Pipeline
from pipelines.declarations.step import Artifact, Progress, Report, Resources, Step

__all__ = [
    "DATASET",
    "DECISION",
    "ERROR",
    "EVALUATION",
    "FEATURES",
    "FORCE",
    "GAINS",
    "HOME",
    "HORIZON_DAYS",
    "IN_USE",
    "MARGIN",
    "METRICS",
    "MODEL",
    "MODEL_NAME",
    "RANKER",
    "SEARCH",
    "SEARCH_SECONDS",
    "STATE",
    "VALIDATION",
    "VERDICT",
    "Artifact",
    "Parameter",
    "Pipeline",
    "Progress",
    "Report",
    "Resources",
    "Step",
]

"""What a home contains, as data, for the verbs of the command line and the pages of the console."""

from pipelines.inspection import entity
from pipelines.inspection.doctor import Finding, examine
from pipelines.inspection.feature_words import in_words
from pipelines.inspection.models import (
    SHOWN_METRICS,
    compare_models,
    describe_model,
    list_models,
    show_model,
)

__all__ = [
    "SHOWN_METRICS",
    "Finding",
    "compare_models",
    "describe_model",
    "entity",
    "examine",
    "in_words",
    "list_models",
    "show_model",
]

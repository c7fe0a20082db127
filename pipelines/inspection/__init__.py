"""What a home contains, as data, for the verbs of the command line and the pages of the console."""

from pipelines.inspection import entity
from pipelines.inspection.ages import row_ages
from pipelines.inspection.bandits import bandit_arms, estimated_regret
from pipelines.inspection.feature_words import in_words, unit_in_words
from pipelines.inspection.figures import Figures, feature_state, file_states, log_state
from pipelines.inspection.history import histories
from pipelines.inspection.models import (
    SHOWN_METRICS,
    compare_models,
    describe_model,
    list_models,
    show_model,
)
from pipelines.inspection.newest_rows import newest_values, null_shares
from pipelines.inspection.personal_data import personal_data
from pipelines.inspection.queries import count_by_minute, frequent_queries, newest_answers

__all__ = [
    "SHOWN_METRICS",
    "Figures",
    "bandit_arms",
    "compare_models",
    "count_by_minute",
    "describe_model",
    "entity",
    "estimated_regret",
    "feature_state",
    "file_states",
    "frequent_queries",
    "histories",
    "in_words",
    "list_models",
    "log_state",
    "newest_answers",
    "newest_values",
    "null_shares",
    "personal_data",
    "row_ages",
    "show_model",
    "unit_in_words",
]

"""The work of the platform's steps, as ordinary functions, and what a home needs between them."""

from pipelines.steps import ranker_steps
from pipelines.steps.code_version import code_version
from pipelines.steps.daily_report import DAY_PAGE, DAY_REPORT, report_day
from pipelines.steps.home_redis import ensure_home_redis, home_redis, load_missing_features
from pipelines.steps.refresh import parse_period, refresh, refresh_every
from pipelines.steps.retention import remove_unneeded
from pipelines.steps.validate import VALIDATION_PAGE, VALIDATION_REPORT, validate

__all__ = [
    "DAY_PAGE",
    "DAY_REPORT",
    "VALIDATION_PAGE",
    "VALIDATION_REPORT",
    "code_version",
    "ensure_home_redis",
    "home_redis",
    "load_missing_features",
    "parse_period",
    "ranker_steps",
    "refresh",
    "refresh_every",
    "remove_unneeded",
    "report_day",
    "validate",
]

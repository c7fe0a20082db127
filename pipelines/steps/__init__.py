"""The work of the platform's steps, as ordinary functions, and what a home needs between them."""

from pipelines.steps import (
    backfill_steps,
    feature_steps,
    index_steps,
    ranker_steps,
    report_steps,
)
from pipelines.steps.code_version import code_version
from pipelines.steps.daily_report import DAY_PAGE, DAY_REPORT, report_day
from pipelines.steps.freshness import view_ages
from pipelines.steps.home_redis import ensure_home_redis, home_redis, load_missing_features
from pipelines.steps.refresh import parse_period, refresh, refresh_every
from pipelines.steps.report_steps import PARITY_FILE
from pipelines.steps.retention import remove_unneeded
from pipelines.steps.run_reports import OPEN_RUNS, RUN, RUN_REPORTS, recent_runs
from pipelines.steps.validate import VALIDATION_PAGE, VALIDATION_REPORT, validate

__all__ = [
    "DAY_PAGE",
    "DAY_REPORT",
    "OPEN_RUNS",
    "PARITY_FILE",
    "RUN",
    "RUN_REPORTS",
    "VALIDATION_PAGE",
    "VALIDATION_REPORT",
    "backfill_steps",
    "code_version",
    "ensure_home_redis",
    "feature_steps",
    "home_redis",
    "index_steps",
    "load_missing_features",
    "parse_period",
    "ranker_steps",
    "recent_runs",
    "refresh",
    "refresh_every",
    "remove_unneeded",
    "report_day",
    "report_steps",
    "validate",
    "view_ages",
]

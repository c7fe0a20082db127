"""Metrics, logs, traces, and work in threads."""

from serving.monitoring.deadlines import run_in_pool, run_with_timeout
from serving.monitoring.logs import log_json
from serving.monitoring.metrics import (
    ANSWER_SECONDS,
    ARTIFACT_LOADS,
    CHANGED_ITEMS,
    CONTENT_TYPE,
    DEGRADED,
    ERRORS,
    EVENTS,
    IN_FLIGHT,
    LOST_ANSWERS,
    METRICS_FOLDER,
    ONLINE_FEATURES_UP,
    PENDING_EVENTS,
    exposition,
    new_metrics_folder,
)
from serving.monitoring.quality import quality_exposition
from serving.monitoring.trace import Trace

__all__ = [
    "ANSWER_SECONDS",
    "ARTIFACT_LOADS",
    "CHANGED_ITEMS",
    "CONTENT_TYPE",
    "DEGRADED",
    "ERRORS",
    "EVENTS",
    "IN_FLIGHT",
    "LOST_ANSWERS",
    "METRICS_FOLDER",
    "ONLINE_FEATURES_UP",
    "PENDING_EVENTS",
    "Trace",
    "exposition",
    "log_json",
    "new_metrics_folder",
    "quality_exposition",
    "run_in_pool",
    "run_with_timeout",
]

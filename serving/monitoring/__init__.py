"""Metrics, logs, traces and deadlines."""

from serving.monitoring import metrics
from serving.monitoring.deadlines import beside, within
from serving.monitoring.logs import log_json
from serving.monitoring.metrics import (
    ANSWER_SECONDS,
    DEGRADED,
    EVENTS,
    IN_FLIGHT,
    LIVE,
    REFUSED,
    RELOADS,
    SERVED_LOST,
)
from serving.monitoring.trace import Trace

__all__ = [
    "ANSWER_SECONDS",
    "DEGRADED",
    "EVENTS",
    "IN_FLIGHT",
    "LIVE",
    "REFUSED",
    "RELOADS",
    "SERVED_LOST",
    "Trace",
    "beside",
    "log_json",
    "metrics",
    "within",
]

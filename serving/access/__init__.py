"""Authentication by API key, and limits of concurrent work."""

from serving.access.authentication import Authentication
from serving.access.concurrency_limit import (
    RUNNING_ANSWERS,
    RUNNING_EVENTS,
    WAITING_ANSWERS,
    ConcurrencyLimit,
    concurrency_limits,
)

__all__ = [
    "RUNNING_ANSWERS",
    "RUNNING_EVENTS",
    "WAITING_ANSWERS",
    "Authentication",
    "ConcurrencyLimit",
    "concurrency_limits",
]

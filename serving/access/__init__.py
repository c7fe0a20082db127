"""Authentication by API key, protection from web pages, and limits of concurrent work."""

from serving.access.authentication import Authentication, check_scope
from serving.access.concurrency_limit import (
    RUNNING_EVENTS,
    ConcurrencyLimit,
    concurrency_limits,
)

__all__ = [
    "RUNNING_EVENTS",
    "Authentication",
    "ConcurrencyLimit",
    "check_scope",
    "concurrency_limits",
]

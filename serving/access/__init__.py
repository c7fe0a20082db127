"""Authentication by API key, and limits of concurrent work."""

from serving.access.authentication import Authentication
from serving.access.concurrency_limit import (
    RUNNING_EVENTS,
    ConcurrencyLimit,
    concurrency_limits,
)

__all__ = [
    "RUNNING_EVENTS",
    "Authentication",
    "ConcurrencyLimit",
    "concurrency_limits",
]

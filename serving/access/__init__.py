"""Authentication by API key, protection from web pages, and limits of concurrent work."""

from serving.access.authentication import (
    Authentication,
    arrives_at_loopback,
    check_scope,
)
from serving.access.concurrency_limit import (
    RUNNING_EVENTS,
    ConcurrencyLimit,
    concurrency_limits,
)
from serving.access.web_pages import check_page

__all__ = [
    "RUNNING_EVENTS",
    "Authentication",
    "ConcurrencyLimit",
    "arrives_at_loopback",
    "check_page",
    "check_scope",
    "concurrency_limits",
]

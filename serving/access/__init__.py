"""Who may call, and how many requests run at once."""

from serving.access.authentication import Authentication
from serving.access.concurrency_limit import ConcurrencyLimit

__all__ = [
    "Authentication",
    "ConcurrencyLimit",
]

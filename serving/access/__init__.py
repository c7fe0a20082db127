"""Who may call, and how many requests run at once."""

from serving.access.authentication import Admission
from serving.access.concurrency_limit import Capacity

__all__ = [
    "Admission",
    "Capacity",
]

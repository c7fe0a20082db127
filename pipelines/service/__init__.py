"""The service as a process, what watches over it, and the client of its HTTP interface."""

from pipelines.service.client import AisleClient
from pipelines.service.service_process import (
    check_port,
    free_port,
    is_loopback,
    running_service,
    started_service,
    url_of,
)
from pipelines.service.supervisor import Supervisor, ensure_redis

__all__ = [
    "AisleClient",
    "Supervisor",
    "check_port",
    "ensure_redis",
    "free_port",
    "is_loopback",
    "running_service",
    "started_service",
    "url_of",
]

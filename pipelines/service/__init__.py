"""The service as a process, what watches over it, and the client of its HTTP interface."""

from pipelines.service.client import AisleClient
from pipelines.service.service_process import free_port, running_service, started_service
from pipelines.service.supervisor import Supervisor, ensure_redis

__all__ = [
    "AisleClient",
    "Supervisor",
    "ensure_redis",
    "free_port",
    "running_service",
    "started_service",
]

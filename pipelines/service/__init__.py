"""The service as a process, and the client of its HTTP interface."""

from pipelines.service.client import AisleClient
from pipelines.service.service_process import free_port, running_service

__all__ = [
    "AisleClient",
    "free_port",
    "running_service",
]

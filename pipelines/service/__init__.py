"""The service as a process, and its HTTP client."""

from pipelines.service.client import AisleClient
from pipelines.service.service_process import free_port, running_service

__all__ = [
    "AisleClient",
    "free_port",
    "running_service",
]

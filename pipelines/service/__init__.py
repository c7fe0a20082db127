"""The service as a process, and its HTTP client."""

from pipelines.service.client import AisleClient
from pipelines.service.service_process import free_port, serving

__all__ = [
    "AisleClient",
    "free_port",
    "serving",
]

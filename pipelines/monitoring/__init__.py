"""Alert rules and dashboards of the service's metrics, declared once and written as files."""

from pipelines.monitoring.files import write_files

__all__ = ["write_files"]

"""Checks of a home, each with a suggestion to fix the problem that it finds."""

from pipelines.doctor.examination import examine
from pipelines.doctor.finding import Finding

__all__ = ["Finding", "examine"]

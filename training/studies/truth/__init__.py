"""Rankers compared with the true relevance of simulated shops."""

from training.studies.truth import grid, personalization, report

__all__ = [
    "grid",
    "personalization",
    "report",
]

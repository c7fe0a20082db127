"""`aisle`: every step of the platform from a terminal."""

from pipelines.cli.evaluations import evaluation

__all__ = ["evaluation"]

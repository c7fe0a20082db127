"""Experiment tracking: each stored ranker is also a run and a model version of an MLflow server."""

from pipelines.tracking.mirror import track

__all__ = ["track"]

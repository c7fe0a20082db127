"""The steps as Kubeflow components and pipelines."""

from pipelines.kubeflow import retrain

__all__ = [
    "retrain",
]

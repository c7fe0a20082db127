"""The declared steps as Kubeflow components and pipelines."""

from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.compilation import compile_pipeline
from pipelines.kubeflow.local_run import run_pipeline

__all__ = [
    "ClusterSettings",
    "compile_pipeline",
    "run_pipeline",
]

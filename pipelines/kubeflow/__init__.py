"""The declared steps as Kubeflow components and pipelines."""

from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.compilation import compile_pipeline
from pipelines.kubeflow.local_run import run_pipeline
from pipelines.kubeflow.submission import EXPERIMENT, Target, list_runs, submit_pipeline

__all__ = [
    "EXPERIMENT",
    "ClusterSettings",
    "Target",
    "compile_pipeline",
    "list_runs",
    "run_pipeline",
    "submit_pipeline",
]

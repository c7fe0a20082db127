"""The declared steps as Kubeflow components and pipelines."""

from pipelines.kubeflow.pipeline import compile_pipeline, run_pipeline

__all__ = [
    "compile_pipeline",
    "run_pipeline",
]

"""The declared steps as Kubeflow components and pipelines."""

from pipelines.kubeflow.components import IMAGE
from pipelines.kubeflow.pipeline import CLAIM, MOUNTED_HOME, compile_pipeline, run_pipeline
from pipelines.kubeflow.run_step import run_step

__all__ = [
    "CLAIM",
    "IMAGE",
    "MOUNTED_HOME",
    "compile_pipeline",
    "run_pipeline",
    "run_step",
]

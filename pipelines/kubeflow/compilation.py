"""Compile a pipeline to the YAML file that a Kubeflow cluster runs.

In a cluster the home is on the claim that the service reads too.  Kubeflow's cache holds only the
steps whose inputs determine their outputs: files that another step reads from the home are not
among its inputs, so equal inputs do not mean equal results.

A component imports this room in its container, where `kfp` offers `dsl` alone; so the compiler is
imported where it is used.
"""

from pathlib import Path

from feature_repo.home import PipelineError
from pipelines.declarations import Pipeline
from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.graph import kubeflow_pipeline


def compile_pipeline(pipeline: Pipeline, out: Path, cluster: ClusterSettings | None = None) -> Path:
    """Write a pipeline as YAML for a Kubeflow cluster, and return `out`.

    Raises:
        PipelineError: `out` does not end in .yaml, or cannot be written.
    """
    from kfp import compiler

    if out.suffix != ".yaml":
        raise PipelineError(f"Expected a file ending in .yaml to compile to, found {out}.")
    graph = kubeflow_pipeline(pipeline, cluster or ClusterSettings.load())
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(graph, package_path=str(out))
    except OSError as error:
        raise PipelineError(f"The pipeline cannot be written to {out}: {error}.") from error
    return out

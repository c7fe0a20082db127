"""The retraining pipeline: features, dataset, ranker, verdict, publication of it and the indices.

    transform_features -> build_dataset -> train_ranker -> evaluate_ranker -> publish_ranker ->
    publish_indices

`run_retrain` runs it on this machine, each step a process of its own; `compile_retrain` writes the
form a Kubeflow cluster takes.  In a cluster the home lies on the claim that the service reads too.
Results are never taken from Kubeflow's cache: what a step reads from the home is not among its
inputs, so equal inputs do not mean equal results.
"""
# mypy: disable-error-code="untyped-decorator"

import contextlib
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from kfp import compiler, dsl, local

from feature_repo.home import Home, PipelineError
from pipelines.kubeflow import components
from pipelines.steps import MODEL

CLAIM = "aisle-home"
MOUNTED_HOME = "/var/lib/aisle"
"""The persistent volume claim of the home, and where pods see it; see `k8s/base`."""
_ANSI = re.compile(r"\x1b\[\d+m")


def _mount_home(task: dsl.PipelineTask) -> None:
    """Mount the home's claim, as `kfp.kubernetes.mount_pvc` would without that package."""
    mount = {
        "mountPath": MOUNTED_HOME,
        "pvcNameParameter": {"runtimeValue": {"constant": CLAIM}},
        "constant": CLAIM,
    }
    task.platform_config["kubernetes"] = {"pvcMount": [mount]}


@dsl.pipeline(name="retrain", description="Learn a ranker from the events of one home.")
def retrain(home: str = MOUNTED_HOME, model: str = MODEL) -> str:
    """Returns what was published, as JSON."""
    features = components.transform_features(home=home)
    joined = components.build_dataset(home=home).after(features)
    dataset = joined.outputs["dataset"]
    trained = components.train_ranker(dataset=dataset)
    ranker = trained.outputs["ranker"]
    measured = components.evaluate_ranker(dataset=dataset, ranker=ranker)
    published = components.publish_ranker(
        home=home, ranker=ranker, evaluation=measured.outputs["evaluation"], model=model
    )
    indices = components.publish_indices(home=home).after(published)
    for task in (features, joined, trained, measured, published, indices):
        task.set_caching_options(False)
    for task in (features, joined, published, indices):
        _mount_home(task)
    output: str = published.outputs["Output"]
    return output


def run_retrain(home: Home, *, model: str = MODEL) -> dict[str, Any]:
    """Run the pipeline here; what the steps print goes to standard error.

    Artifacts of the run lie in the home, under `kubeflow/`.

    Returns:
        What was published as the ranker.

    Raises:
        PipelineError: a step failed; the steps after it did not run.
    """
    root = home.root / "kubeflow"
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(root / "runs"),
        workspace_root=str(root / "workspace"),
    )
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You may be attemping to run", RuntimeWarning)
        try:
            run = retrain(home=str(home.root), model=model)
        except RuntimeError as error:
            raise PipelineError(f"{_ANSI.sub('', str(error))}  Its output is above.") from error
    published: dict[str, Any] = json.loads(run.output)
    return published


def compile_retrain(out: Path) -> Path:
    """Write the pipeline as YAML that a Kubeflow cluster takes; returns `out`.

    Raises:
        PipelineError: `out` does not end in .yaml, or cannot be written.
    """
    if out.suffix != ".yaml":
        raise PipelineError(f"Expected a file ending in .yaml to compile to, found {out}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(retrain, package_path=str(out))
    except OSError as error:
        raise PipelineError(f"The pipeline cannot be written to {out}: {error}.") from error
    return out

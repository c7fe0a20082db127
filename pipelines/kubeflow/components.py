"""The steps as Kubeflow components.  Nothing happens here that `pipelines.steps.steps` does not do.

A component's body is copied into its container, so it imports what it uses.  Every step also
leaves something for the Kubeflow page to draw: figures, a report, a text.
"""
# mypy: disable-error-code="untyped-decorator"

from kfp import dsl

IMAGE = "aisle:dev"
"""Holds this project and its locked dependencies; see `k8s/image`."""


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def transform_features(home: str, summary: dsl.Output[dsl.Markdown]) -> None:
    """Compute the feature rows of every view."""
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import markdown
    from pipelines.steps import steps

    report = steps.transform_features(Path(home))
    Path(summary.path).write_text(markdown("Features", report), encoding="utf-8")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def build_dataset(
    home: str, dataset: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]
) -> None:
    """Join labelled slates to features as they were known."""
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import figures
    from pipelines.steps import steps

    report = steps.build_dataset(Path(home), Path(dataset.path))
    for name, value in figures(report).items():
        metrics.log_metric(name, value)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_ranker(
    dataset: dsl.Input[dsl.Dataset],
    ranker: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Choose a configuration and fit the ranker."""
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import figures
    from pipelines.steps import steps

    report = steps.train_ranker(Path(dataset.path), Path(ranker.path))
    for name, value in figures({"chosen": report["chosen"]}).items():
        metrics.log_metric(name, value)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate_ranker(
    dataset: dsl.Input[dsl.Dataset],
    ranker: dsl.Input[dsl.Model],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Measure ranker and baselines on the test split."""
    import shutil
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import figures
    from pipelines.steps import steps

    folder = Path(evaluation.path)
    report = steps.evaluate_ranker(Path(dataset.path), Path(ranker.path), folder)
    shutil.copyfile(folder / "evaluation.html", page.path)
    for name, value in figures({"test": report["test"]}).items():
        metrics.log_metric(name, value)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish_ranker(
    home: str,
    ranker: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    model: str,
    summary: dsl.Output[dsl.Markdown],
) -> str:
    """Publish the ranker for the service to load; returns the step's report as JSON."""
    import json
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import markdown
    from pipelines.steps import steps

    report = steps.publish_ranker(Path(home), Path(ranker.path), Path(evaluation.path), model=model)
    Path(summary.path).write_text(markdown("Published", report), encoding="utf-8")
    return json.dumps(report, default=str)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish_indices(home: str, summary: dsl.Output[dsl.Markdown]) -> None:
    """Fit what candidates are found with, and publish it for the service to load."""
    from pathlib import Path

    from pipelines.kubeflow.kubeflow_page import markdown
    from pipelines.steps import steps

    report = steps.publish_indices(Path(home))
    Path(summary.path).write_text(markdown("Indices", report), encoding="utf-8")

"""The functions of the steps: paths in, paths out.

They are ordinary functions, which tests call directly.  `retrain.py` declares each of them as a
step.  `home` is the folder of one shop's run-time state.
"""

from collections.abc import Sequence
from pathlib import Path

from feature_repo.home import Home, Settings
from pipelines.steps.step import Progress, Report

MODEL = "default"
"""Name of the ranker that answers `/rank/default`."""


def transform_features(home: Path, *, now: int | None = None) -> Report:
    """Compute the feature rows of every view from the compacted log."""
    from feature_repo.home import Clock, exclusive
    from feature_repo.transformations import transform

    folder = Home(home)
    with exclusive(folder, "a transform", wait=True):
        until = Clock.of(Settings(home=folder)).now() if now is None else now
        return transform(folder, until).to_dict()


def build_dataset(
    home: Path,
    dataset: Path,
    *,
    gains: str | None = None,
    horizon_days: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Join labelled slates to their point-in-time features, and write them to `dataset`.

    `gains` is a text such as `click=1,purchase=6`; `training.dataset.gains` describes it and the
    horizon.
    """
    from training.dataset import Gains, parse_gains
    from training.dataset import build_dataset as build

    worth = parse_gains(gains).worth if gains else Gains().worth
    return build(Home(home), dataset, progress, Gains(worth, horizon_days)).to_dict()


def train_ranker(
    home: Path,
    dataset: Path,
    ranker: Path,
    *,
    model: str = MODEL,
    search: int = 0,
    search_seconds: float | None = None,
) -> Report:
    """Choose a configuration on the validation split and fit a ranker into the folder `ranker`.

    It is compared with the ranker that is published as `model`.
    """
    from training.artifacts import RANKER
    from training.ranker import train

    link = Home(home).current / RANKER / model
    return train(
        dataset,
        ranker,
        search=search,
        search_seconds=search_seconds,
        in_use=link.resolve() if link.exists() else None,
    ).to_dict()


def evaluate_ranker(
    dataset: Path,
    ranker: Path,
    evaluation: Path,
    *,
    metrics: Sequence[str] = (),
    studies: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Measure ranker and baselines on the test split; write figures, page and model card.

    `metrics` adds further metrics to the default ones; `studies` may name `ablation` and
    `learning_curve`.
    """
    from training.evaluation import evaluate
    from training.metrics import Metric

    more = [Metric.parse(name) for name in metrics]
    report = evaluate(dataset, ranker, evaluation, more).to_dict()
    if studies:
        from training.evaluation import study

        return study(dataset, evaluation, studies, progress)
    return report


def check_gate(ranker: Path, evaluation: Path, verdict: Path, *, force: bool = False) -> Report:
    """Decide whether the ranker may be published, and write the decision and its reason."""
    from training.evaluation import write_verdict

    return write_verdict(ranker, evaluation, verdict, force=force).to_dict()


def publish_ranker(
    home: Path, ranker: Path, evaluation: Path, verdict: Path, *, model: str = MODEL
) -> Report:
    """Publish the ranker for the service to load, as the gate decided."""
    from training.evaluation import publish_ranker as publish

    return publish(Home(home), ranker, evaluation, verdict, name=model).to_dict()


def reject_ranker(
    home: Path, ranker: Path, evaluation: Path, verdict: Path, *, model: str = MODEL
) -> Report:
    """Store the ranker with the reason of the gate, without putting it in use."""
    from training.evaluation import reject_ranker as reject

    return reject(Home(home), ranker, evaluation, verdict, name=model).to_dict()


def publish_indexes(home: Path) -> Report:
    """Fit the candidate indexes on the log and the features, and publish them."""
    from feature_repo.home import exclusive
    from training.retrieval.sources import publish_indexes as publish

    folder = Home(home)
    with exclusive(folder, "an index", wait=True):
        return publish(folder).to_dict()


def report_run(home: Path, state: str, error: str) -> Report:
    """Report how a run ended: in the home, on standard error, and to the webhook."""
    from pipelines.steps.run_reports import report

    return report(Home(home), Settings.from_environment().webhook, state, error)

"""The functions of the steps that learn a ranker: paths in, paths out.

They are ordinary functions, which tests call directly.  `pipelines/catalogue` declares each of them
as a step.  `home` is the folder of one shop's run-time state.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from feature_repo.home import Home, replacing
from pipelines.declarations import MODEL, Progress, Report
from pipelines.steps.code_version import code_version
from pipelines.steps.run_reports import RUN

if TYPE_CHECKING:
    from training.ranker import Configuration

NO_RANKER = "none"
"""Version in use where no ranker is published."""

STATISTICS_PAGE = "statistics.html"
_LISTED = 10
"""Features with the most missing values that a report names."""

SEARCHES = "build/search.journal"
"""The trials of all searches in a home, which a later search of the same dataset continues."""

CONTENDERS = "kubeflow/contenders"
"""Folder with a folder of fits for each dataset and version of the code."""


def pin_inputs(home: Path, *, model: str = MODEL) -> Report:
    """Note the features and the code that a run learns from, and the ranker in use before it."""
    from feature_repo.transformations import State
    from training.artifacts import RANKER

    folder = Home(home)
    state, link = State.read(folder.features), folder.current / RANKER / model
    origin = {} if state is None else state.origin
    pinned = {**origin, "code_sha256": code_version()}
    return {
        "features": hashlib.sha256(json.dumps(pinned, sort_keys=True).encode()).hexdigest(),
        "in_use": link.resolve().name if link.exists() else NO_RANKER,
        **pinned,
    }


def build_dataset(
    home: Path,
    dataset: Path,
    *,
    features: str = "",  # noqa: ARG001 - the key of a cached dataset
    gains: str = "",
    horizon_days: float = 0.0,
    progress: Progress | None = None,
) -> Report:
    """Join labelled slates to their point-in-time features, and write them to `dataset`.

    `gains` is a text such as `click=1,purchase=6`, or empty for the default; the horizon is 0 for
    no limit.  `training.dataset.gains` describes both.  `features` only names what is read.
    """
    from training.dataset import Gains, parse_gains
    from training.dataset import build_dataset as build

    worth = parse_gains(gains).worth if gains else Gains().worth
    return build(Home(home), dataset, progress, Gains(worth, horizon_days or None)).to_dict()


def describe_dataset(dataset: Path, statistics: Path) -> Report:
    """Count missing values and the range of every feature, and write them as a page."""
    from pipelines.pages import dataset_html, dataset_statistics

    table = dataset_statistics(dataset)
    statistics.mkdir(parents=True, exist_ok=True)
    (statistics / "statistics.json").write_text(json.dumps(table, indent=1) + "\n")
    (statistics / STATISTICS_PAGE).write_text(dataset_html(table), encoding="utf-8")
    most = sorted(table["features"], key=lambda one: -one["missing"])[:_LISTED]
    counts = {name: table[name] for name in ("rows", "columns", "rows_with_gain")}
    return counts | {"missing": {one["feature"]: one["missing"] for one in most}}


def search_configuration(
    home: Path,
    dataset: Path,
    configuration: Path,
    *,
    trials: int = 20,
    search_seconds: float = 0.0,
    progress: Progress | None = None,
) -> Report:
    """Search for the configuration that ranks best; an interrupted search continues.

    A training of the same dataset with `search` continues from its trials.
    """
    from training.ranker import search_dataset

    best = asdict(
        search_dataset(
            dataset,
            Home(home).root / SEARCHES,
            trials=trials,
            seconds=search_seconds or None,
            progress=progress,
        )
    )
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / "configuration.json").write_text(json.dumps(best, indent=1) + "\n")
    return {"best": best}


def choose_configuration(
    home: Path,
    dataset: Path,
    *,
    search: int = 0,
    search_seconds: float = 0.0,
    progress: Progress | None = None,
) -> Report:
    """Fit the naive variant with each configuration, and name the variants that remain to fit."""
    from training.ranker import NAIVE, PARALLEL, best_of, fit_contenders

    folder = _contenders(home, dataset)
    grid = _configurations(home, dataset, search, search_seconds, progress)
    with replacing(_listed(folder, search, search_seconds)) as fresh:
        fresh.write_text(json.dumps([asdict(one) for one in grid]))
    trials = fit_contenders(dataset, folder, (NAIVE,), grid, progress)
    return {"contenders": [*PARALLEL], "ndcg_at_10": best_of(trials, NAIVE).ndcg_at_10}


def fit_contender(
    home: Path,
    dataset: Path,
    contender: str,
    *,
    search: int = 0,
    search_seconds: float = 0.0,
    progress: Progress | None = None,
) -> Report:
    """Fit one variant with the best configuration, for `train_ranker` to compare."""
    from training.ranker import best_of, fit_contenders

    folder = _contenders(home, dataset)
    grid = _chosen_configurations(_listed(folder, search, search_seconds)) or _configurations(
        home, dataset, search, search_seconds, progress
    )
    trials = fit_contenders(dataset, folder, (contender,), grid, progress)
    return {"fitted": contender, "ndcg_at_10": best_of(trials, contender).ndcg_at_10}


def train_ranker(
    home: Path,
    dataset: Path,
    ranker: Path,
    *,
    search: int = 0,
    search_seconds: float = 0.0,
    fitted: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Compare the variants on the validation split and fit the best into the folder `ranker`.

    Contenders that earlier steps or an interrupted training have fitted are not fitted again;
    `fitted` names those of this run, which has chosen the configurations then.
    """
    from training.monitoring import write_snapshot
    from training.ranker import train

    folder = _contenders(home, dataset)
    chosen = _chosen_configurations(_listed(folder, search, search_seconds)) if fitted else ()
    grid = chosen or _configurations(home, dataset, search, search_seconds, progress)
    report = train(dataset, ranker, progress, grid=grid, folder=folder).to_dict()
    write_snapshot(dataset, ranker)
    return report


def _configurations(
    home: Path, dataset: Path, search: int, seconds: float, progress: Progress | None
) -> "tuple[Configuration, ...]":
    """Return the fixed configurations and the best of a search."""
    from training.ranker import GRID, search_dataset

    if not search:
        return GRID
    journal = Home(home).root / SEARCHES
    limit = seconds or None
    best = search_dataset(dataset, journal, trials=search, seconds=limit, progress=progress)
    return tuple(dict.fromkeys((*GRID, best)))


def _chosen_configurations(path: Path) -> "tuple[Configuration, ...]":
    """Return the configurations that `choose_configuration` has listed.

    None are listed where its outputs are of a cache, and the files were removed or are of other
    code.
    """
    from training.ranker import Configuration

    if not path.exists():
        return ()
    return tuple(Configuration(**one) for one in json.loads(path.read_text()))


def _listed(folder: Path, search: int, seconds: float) -> Path:
    return folder / f"configurations-{search}-{seconds:g}.json"


def _contenders(home: Path, dataset: Path) -> Path:
    """Return the folder of the contenders of a dataset, by its hash and that of the code."""
    from training.artifacts import sha256

    key = f"{sha256(dataset)} {code_version()}"
    return Home(home).root / CONTENDERS / hashlib.sha256(key.encode()).hexdigest()


def evaluate_ranker(
    home: Path,
    dataset: Path,
    ranker: Path,
    evaluation: Path,
    *,
    metrics: Sequence[str] = (),
    studies: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Measure ranker and baselines on the test split; write figures, page and model card.

    The home counts the looks at its test rankings.  `metrics` adds further metrics to the default
    ones; `studies` may name `ablation` and `learning_curve`.
    """
    from training.evaluation import evaluate
    from training.metrics import Metric

    more = [Metric.parse(name) for name in metrics]
    report = evaluate(dataset, ranker, evaluation, more, home=Home(home)).to_dict()
    if studies:
        from training.evaluation import study

        return study(dataset, evaluation, studies, progress)
    return report


def check_gate(
    home: Path,
    dataset: Path,
    ranker: Path,
    verdict: Path,
    *,
    model: str = MODEL,
    in_use: str = "",
    margin: float = 0.0,
    force: bool = False,
) -> Report:
    """Decide whether the ranker may be published, and write the decision and its reasons.

    It is compared with the version `in_use` of the ranker `model`, or with the published one;
    `margin` is of ndcg@10, by which it may be worse.
    """
    from training.artifacts import RANKER
    from training.gate import check_ranker

    folder = Home(home)
    link = folder.current / RANKER / model
    used = folder.artifacts / RANKER / model / in_use if in_use else link
    decided = check_ranker(
        folder,
        dataset,
        ranker,
        in_use=used.resolve() if used.exists() else None,
        margin=margin,
        force=force,
    )
    decided.save(verdict)
    return decided.to_dict()


def publish_ranker(
    home: Path, ranker: Path, evaluation: Path, verdict: Path, *, model: str = MODEL
) -> Report:
    """Publish the ranker for the service to load, as the gate decided."""
    from training.evaluation import publish_ranker as publish

    return _tracked(
        home, publish(Home(home), ranker, evaluation, verdict, name=model, run=_run()).to_dict()
    )


def reject_ranker(
    home: Path, ranker: Path, evaluation: Path, verdict: Path, *, model: str = MODEL
) -> Report:
    """Store the ranker with the reason of the gate, without putting it in use."""
    from training.evaluation import reject_ranker as reject

    return _tracked(
        home, reject(Home(home), ranker, evaluation, verdict, name=model, run=_run()).to_dict()
    )


def _run() -> str:
    return os.environ.get(RUN, "")


def _tracked(home: Path, stored: Report) -> Report:
    """Add what MLflow recorded, where a shop uses it."""
    from pipelines.tracking import track

    sentence = track(Home(home))
    return stored if sentence is None else stored | {"tracking": sentence}

"""Evaluate ranker and baselines on the test split.

The test split is newer than all data used to train and select the ranker.  Each ranker and dataset
is measured once; later calls return the logged result.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import DatasetError, Home, to_text
from training.artifacts import sha256
from training.dataset import (
    TEST,
    TRAIN,
    VALIDATE,
    Dataset,
    LazyDataset,
    check_target_leakage,
    slices_of,
)
from training.evaluation.judgments import judgments
from training.evaluation.looks import count_look, looks_note
from training.evaluation.shown_order import shown_order_note
from training.metrics import (
    CONVENTIONS,
    Floats,
    Interval,
    Metric,
    mean_intervals,
    slice_intervals,
    without_nan,
)
from training.ranker import (
    MODEL,
    TRAINING,
    Ranker,
    baselines_of,
    group_features,
    reference_of,
    users_of,
)

if TYPE_CHECKING:
    from rich.console import Console

RANKER = "ranker"
MAIN = "ndcg@10"
METRICS = tuple(
    Metric.parse(name)
    for name in (
        "ndcg@10",
        "recall@10",
        "mrr",
        "map",
        "precision@10",
        "revenue@10",
        "coverage@10",
        "novelty@10",
        "diversity@10",
    )
)
BY_POSITION = tuple(Metric("ndcg", k) for k in range(1, 21))
EVALUATION, PAGE = "evaluation.json", "evaluation.html"
_DIFFERENCE = "difference"

Values = Mapping[str, Mapping[str, Floats]]
Chosen = npt.NDArray[np.bool_]
Users = npt.NDArray[Any]


@dataclass(frozen=True)
class ModelFigures:
    """The figures of one model on some slates.

    Attributes:
        name: ranker, or a baseline's name.
        metrics: interval of each metric.
        difference: of ndcg@10 to the reference, paired.
    """

    name: str
    metrics: dict[str, Interval]
    difference: Interval


@dataclass(frozen=True)
class Slice:
    """Ranker and reference on a part of the slates."""

    name: str
    rankings: int
    ranker: Interval
    baseline: Interval
    difference: Interval


@dataclass(frozen=True)
class Evaluation:
    """The figures of the test split.

    Attributes:
        identity: hashes of the model and of the dataset.
        rankings: in the test split; `counted` have a gain, `empty` have none.
        reference: name of the baseline that figures are compared with.
        models: the ranker and every baseline, best ndcg@10 first.
        by_position: ndcg@1, ndcg@2, … of each model.
        slices: parts of the test split.
        data: figures of the dataset.
        training: how the ranker was chosen.
        looks: how often the test rankings of the log were looked at; None where nobody counts.
    """

    identity: dict[str, str]
    rankings: dict[str, int]
    reference: str
    models: tuple[ModelFigures, ...]
    by_position: dict[str, list[float]]
    slices: tuple[Slice, ...]
    data: dict[str, Any]
    training: dict[str, Any]
    looks: dict[str, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict; `test` has the ranker's figures."""
        ranker = next(model for model in self.models if model.name == RANKER)
        values = {name: i.value for name, i in ranker.metrics.items()}
        table = {"conventions": CONVENTIONS, "test": values, **asdict(self)}
        plain: dict[str, Any] = without_nan(table)
        return plain


@dataclass(frozen=True)
class Logged:
    """The logged result of an earlier evaluation."""

    table: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the logged result."""
        return self.table


def evaluate(
    dataset: Path,
    artifact_folder: Path,
    out: Path,
    metrics: Sequence[Metric] = (),
    *,
    home: Home | None = None,
) -> Evaluation | Logged:
    """Measure on the test split; write figures, page and model card to the folder `out`.

    Args:
        dataset: file that the ranker was trained on.
        artifact_folder: of the ranker.
        out: `evaluation.json`, `evaluation.html`, `model_card.json` and `model_card.md`.
        metrics: measured in addition to `METRICS`.
        home: counts the looks at the test rankings of its log; None for data of no home.

    Raises:
        DatasetError: no ranking of the test split has a gain.
        LeakError: a feature contains the future.
        ArtifactError: the ranker is damaged or reads other columns.
    """
    whole = LazyDataset.open(dataset)
    check_target_leakage(whole.part(TRAIN, VALIDATE))
    identity = {"model": sha256(artifact_folder / MODEL), "dataset": sha256(dataset)}
    logged = _logged(out, identity, metrics)
    if logged is not None and (home is None or logged.table.get("looks")):
        return logged
    data, ranker = whole.part(TEST), Ranker.load(artifact_folder)
    parts = [ranker.apply(batch, data.facts.columns) for batch in data.batches()]
    scores = np.concatenate([np.empty(0), *parts])
    training = json.loads((artifact_folder / TRAINING).read_text())
    looks = None if home is None else count_look(home, identity["model"], dataset, data)
    evaluation = replace(measure(data, scores, identity, training, metrics), looks=looks)
    write(out, evaluation.to_dict())
    return evaluation


def measure(
    data: Dataset,
    scores: npt.ArrayLike,
    identity: dict[str, str],
    training: dict[str, Any],
    metrics: Sequence[Metric] = (),
) -> Evaluation:
    """Measure a ranker's scores, and every baseline, on the rows of `data`."""
    slates, users, reference = judgments(data), users_of(data), reference_of(data)
    requested = tuple(dict.fromkeys([*METRICS, *metrics, *BY_POSITION]))
    orders = {RANKER: scores, **{name: order(data) for name, order in baselines_of(data).items()}}
    values = {name: slates.measure(requested, order) for name, order in orders.items()}
    counted = ~np.isnan(values[RANKER][MAIN])
    if not counted.any():
        raise DatasetError("No ranking of the test split has a click; there is nothing to measure.")
    shown = [str(metric) for metric in dict.fromkeys([*METRICS, *metrics])]
    models = [_measured(name, values, reference, shown, counted, users) for name in orders]
    curves = [np.array([values[name][str(at)] for at in BY_POSITION]) for name in orders]
    return Evaluation(
        identity=identity,
        rankings=_numbers(counted),
        reference=reference,
        models=tuple(sorted(models, key=lambda model: -model.metrics[MAIN].value)),
        by_position={
            n: np.nanmean(c, axis=1).tolist() for n, c in zip(orders, curves, strict=True)
        },
        slices=_slices(data, values, reference, users),
        data=_described(data),
        training=training,
    )


def print_evaluation(evaluation: Mapping[str, Any], console: "Console") -> None:
    """Print an evaluation's dict as tables."""
    from training.evaluation.evaluation_table import tables

    for table in tables(evaluation):
        console.print(table)
    for note in (shown_order_note(evaluation), looks_note(evaluation)):
        if note:
            console.print(note, markup=False, soft_wrap=True)


def _measured(
    name: str,
    values: Values,
    reference: str,
    metrics: Sequence[str],
    counted: Chosen,
    users: Users,
) -> ModelFigures:
    """Return one model's means over the counted slates."""
    own = {m: values[name][m] for m in metrics}
    # A metric that is pooled over all slates is one number without an interval.
    pooled = {m: float(v[0]) for m, v in own.items() if Metric.parse(m).kind == "coverage"}
    each = {m: np.where(counted, v, np.nan) for m, v in own.items() if m not in pooled}
    each[_DIFFERENCE] = values[name][MAIN] - values[reference][MAIN]
    intervals = mean_intervals(each, users)
    difference = intervals.pop(_DIFFERENCE)
    intervals |= {m: Interval(value, np.nan, np.nan) for m, value in pooled.items()}
    return ModelFigures(name, {m: intervals[m] for m in metrics}, difference)


def _slices(data: Dataset, values: Values, reference: str, users: Users) -> tuple[Slice, ...]:
    ranker, others = values[RANKER][MAIN], values[reference][MAIN]
    slices = []
    for name, selected in slices_of(data).items():
        inside = selected & ~np.isnan(ranker)
        if inside.any():
            parts = {"ranker": ranker[inside], "baseline": others[inside]}
            parts["difference"] = parts["ranker"] - parts["baseline"]
            slices.append(Slice(name, int(inside.sum()), **slice_intervals(parts, users[inside])))
    return tuple(slices)


def _numbers(counted: Chosen) -> dict[str, int]:
    total, with_gain = counted.size, int(counted.sum())
    return {"test": total, "counted": with_gain, "empty": total - with_gain}


def _described(data: Dataset) -> dict[str, Any]:
    """Return the model card's figures of the data."""
    instants = data.column("t").astype("datetime64[us]").astype(np.int64)
    return {
        "rankings": data.facts.rankings,
        "test_rows": data.size,
        "test_first": to_text(int(instants[0])),
        "test_last": to_text(int(instants[-1])),
        "origin": data.facts.origin,
        "feature_service": data.facts.feature_service,
        "prior_click_rate": data.facts.prior.click_rate,
        "features": {
            name: len(columns) for name, columns in group_features(data.facts.columns).items()
        },
    }


def _logged(out: Path, identity: dict[str, str], metrics: Sequence[Metric]) -> Logged | None:
    """Return the logged result of this ranker and dataset, if it has these metrics."""
    try:
        table = json.loads((out / EVALUATION).read_text())
    except (OSError, ValueError):
        return None
    is_same = table.get("identity") == identity and {*map(str, metrics)} <= table["test"].keys()
    return Logged(table) if is_same else None


def write(out: Path, table: dict[str, Any]) -> None:
    """Write an evaluation's dict as JSON, as a page, and as a model card."""
    from training.evaluation.model_card import CARD, CARD_JSON, card, to_markdown
    from training.evaluation.report import page

    out.mkdir(parents=True, exist_ok=True)
    model_card = card(table)
    (out / PAGE).write_text(page(table), encoding="utf-8")
    (out / CARD).write_text(to_markdown(model_card), encoding="utf-8")
    (out / CARD_JSON).write_text(json.dumps(model_card, indent=1) + "\n")
    partial = out / f".{EVALUATION}.part"
    partial.write_text(json.dumps(table, indent=1) + "\n")
    partial.replace(out / EVALUATION)

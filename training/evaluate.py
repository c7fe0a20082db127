"""The honest evaluation: ranker and baselines on the test split, by one command.

The test split lies after everything the ranker learned or chose from.  It is run once for a ranker
and a dataset; asked again, the logged result is given.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.errors import DatasetError
from training.artifact import sha256
from training.baselines import BASELINES, RATE
from training.bootstrap import Interval, mean_interval
from training.dataset import Dataset
from training.metrics import CONVENTIONS, METRICS, slate_starts
from training.ranker import MODEL, TRAINING, Ranker
from training.slices import slices_of
from training.split import TEST
from training.verdict import users_of

if TYPE_CHECKING:
    from rich.console import Console

RANKER = "ranker"
MAIN = "ndcg@10"
EVALUATION, PAGE = "evaluation.json", "evaluation.html"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """One model on some slates.

    Attributes:
        name: ranker, or a baseline's name.
        metrics: interval of each metric.
        difference: of ndcg@10 to the smoothed click rate, paired.
    """

    name: str
    metrics: dict[str, Interval]
    difference: Interval


@dataclass(frozen=True)
class Slice:
    """Ranker and strongest baseline on a part of the slates."""

    name: str
    rankings: int
    ranker: Interval
    baseline: Interval
    difference: Interval


@dataclass(frozen=True)
class Evaluation:
    """What was measured on the test split.

    Attributes:
        identity: hashes of the model and of the dataset.
        rankings: in the test split; `counted` have a gain, `empty` have none.
        models: the ranker and every baseline, best ndcg@10 first.
        slices: parts of the test split.
        training: how the ranker was chosen.
    """

    identity: dict[str, str]
    rankings: dict[str, int]
    models: tuple[Measured, ...]
    slices: tuple[Slice, ...]
    training: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the ranker's figures lie under `test`."""
        ranker = next(model for model in self.models if model.name == RANKER)
        table = {
            "conventions": CONVENTIONS,
            "test": {name: interval.value for name, interval in ranker.metrics.items()},
            **asdict(self),
        }
        known: dict[str, Any] = _without_nan(table)
        return known


@dataclass(frozen=True)
class Logged:
    """An evaluation that was run before."""

    table: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As it was logged."""
        return self.table


def evaluate(dataset: Path, artifact_folder: Path, out: Path) -> Evaluation | Logged:
    """Measure on the test split; write `evaluation.json` and `evaluation.html` to the folder `out`.

    Raises:
        DatasetError: no ranking of the test split has a gain.
        ArtifactError: the ranker is damaged or reads other columns.
    """
    identity = {"model": sha256(artifact_folder / MODEL), "dataset": sha256(dataset)}
    logged = _logged(out, identity)
    if logged is not None:
        return logged
    data = Dataset.load(dataset).part(TEST)
    scores = Ranker.load(artifact_folder).apply(data.matrix, data.facts.columns)
    training = json.loads((artifact_folder / TRAINING).read_text())
    evaluation = measure(data, scores, identity, training)
    _write(out, evaluation.to_dict())
    return evaluation


def measure(
    data: Dataset, scores: npt.ArrayLike, identity: dict[str, str], training: dict[str, Any]
) -> Evaluation:
    """Measure a ranker's scores, and every baseline, on the rows of `data`."""
    orders = {RANKER: scores, **{name: order(data) for name, order in BASELINES.items()}}
    gain, qid, users = data.column("gain"), data.column("qid"), users_of(data)
    values = {
        name: {metric: of(order, gain, qid) for metric, of in METRICS.items()}
        for name, order in orders.items()
    }
    counted = int((~np.isnan(values[RANKER][MAIN])).sum())
    if not counted:
        raise DatasetError("No ranking of the test split has a click; there is nothing to measure.")
    models = [_measured(name, values[name], values[RATE][MAIN], users) for name in orders]
    slates = slate_starts(qid).size
    return Evaluation(
        identity=identity,
        rankings={"test": slates, "counted": counted, "empty": slates - counted},
        models=tuple(sorted(models, key=lambda model: -model.metrics[MAIN].value)),
        slices=_slices(data, values, users),
        training=training,
    )


def print_evaluation(evaluation: Mapping[str, Any], console: "Console") -> None:
    """Print an evaluation's dict as tables."""
    from training.evaluation_table import tables

    for table in tables(evaluation):
        console.print(table)


def _measured(name: str, values: dict[str, Floats], rate: Floats, users: Any) -> Measured:
    metrics = {metric: mean_interval(value, users) for metric, value in values.items()}
    return Measured(name, metrics, mean_interval(values[MAIN] - rate, users))


def _slices(data: Dataset, values: dict[str, dict[str, Floats]], users: Any) -> tuple[Slice, ...]:
    ranker, rate = values[RANKER][MAIN], values[RATE][MAIN]
    found = []
    for name, chosen in slices_of(data).items():
        inside = chosen & ~np.isnan(ranker)
        if inside.any():
            parts = (ranker[inside], rate[inside], ranker[inside] - rate[inside])
            intervals = [mean_interval(part, users[inside]) for part in parts]
            found.append(Slice(name, int(inside.sum()), *intervals))
    return tuple(found)


def _logged(out: Path, identity: dict[str, str]) -> Logged | None:
    try:
        table = json.loads((out / EVALUATION).read_text())
    except (OSError, ValueError):
        return None
    return Logged(table) if table.get("identity") == identity else None


def _write(out: Path, table: dict[str, Any]) -> None:
    from training.report import page

    out.mkdir(parents=True, exist_ok=True)
    (out / PAGE).write_text(page(table), encoding="utf-8")
    half = out / f".{EVALUATION}.part"
    half.write_text(json.dumps(table, indent=1) + "\n")
    half.replace(out / EVALUATION)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null is "not measured"."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value

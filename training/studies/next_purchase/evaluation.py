"""Evaluate rankings of next purchases: ranker and baselines on the last 20 % of the time.

Everything is chosen on the validation split.  The test split is measured once for a history; later
calls return the logged result.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import DatasetError, to_text
from feature_repo.request_features import Matrix
from training.dataset import TEST, TRAIN, VALIDATE
from training.metrics import (
    FEWEST_TRAININGS,
    Interval,
    check_trainings,
    mean_interval,
    slice_interval,
    spread_of,
    without_nan,
)
from training.ranker import Configuration, Ranker
from training.studies.next_purchase.baselines import POPULARITY, REPEAT
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.fitting import (
    AVERAGED,
    GRID,
    Trial,
    average,
    choose_baseline,
    choose_ranker,
)
from training.studies.next_purchase.history import Floats, History, Ints
from training.studies.next_purchase.order import CONVENTIONS, MAIN, measure
from training.studies.next_purchase.rows import rank

RANKER = "ranker"
EVALUATION = "next_purchase.json"


@dataclass(frozen=True)
class Measured:
    """One model on the test split.

    Attributes:
        name: ranker, or a baseline's name.
        chosen: its configuration, and ndcg@10 on the validation split.
        metrics: interval of each metric.
        behind: the ranker's metrics minus this model's, paired; 0 for the ranker itself.
        slices: ndcg@10 by slice.
    """

    name: str
    chosen: dict[str, Any]
    metrics: dict[str, Interval]
    behind: dict[str, Interval]
    slices: dict[str, Interval]


@dataclass(frozen=True)
class Evaluation:
    """The measured models, with the protocol in words."""

    identity: str
    protocol: str
    orders: dict[str, int]
    items: int
    reachable: float
    models: tuple[Measured, ...]
    trainings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        table: dict[str, Any] = json.loads(json.dumps(without_nan(asdict(self))))
        return table


def evaluate_next_purchase(
    history: History,
    out: Path,
    grid: tuple[Configuration, ...] = GRID,
    *,
    trainings: int | None = None,
) -> dict[str, Any]:
    """Choose, fit and measure; write ranker and `next_purchase.json` into the folder `out`.

    Args:
        history: purchases.
        out: folder.
        grid: configurations of the ranker that validation chooses between.
        trainings: also measure this many single trainings, each with another seed, and the averages
            of five of them; two at least.

    Raises:
        DatasetError: too few orders for training, validation and test.
        SettingError: a single training.
    """
    if trainings is not None:
        check_trainings(trainings)
    identity = _identity(history)
    logged = _logged(out, identity)
    if logged is not None and logged.get("trainings", {}).get("count") == trainings:
        return logged
    evaluation, ranker = _evaluate(history, identity, grid, trainings)
    ranker.save(out / RANKER)
    part_file = out / f".{EVALUATION}.part"
    part_file.write_text(json.dumps(evaluation.to_dict(), indent=1) + "\n")
    part_file.replace(out / EVALUATION)
    return evaluation.to_dict()


def _evaluate(
    history: History, identity: str, grid: tuple[Configuration, ...], trainings: int | None
) -> tuple[Evaluation, Ranker]:
    decisions = Decisions.of(history)
    indexes = {split: decisions.of_split(split) for split in (TRAIN, VALIDATE, TEST)}
    for split, orders in indexes.items():
        if not orders.size:
            raise DatasetError(f"No identified user has an order in the {split} part of the time.")
    lookups = Lookups.of(history)
    choice = choose_ranker(lookups, decisions, grid)
    chosen = {RANKER: choice.trials[0]}
    chosen |= {name: choose_baseline(name, lookups, decisions)[0] for name in (REPEAT, POPULARITY)}
    test = decisions.part(indexes[TEST])
    fitted = choice.fit(max(trainings or 0, AVERAGED))
    batches = _whole_batches(range(len(fitted)))

    def scores(matrix: Matrix) -> list[Floats]:
        single = [ranker.apply(matrix) for ranker in fitted]
        averages = [np.mean([single[number] for number in batch], axis=0) for batch in batches]
        return [*averages, *single[: trainings or 0]]

    ranked, reached = rank(lookups, test, scores)
    rankings = {RANKER: ranked[0]}
    for name in (REPEAT, POPULARITY):
        baseline: Any = chosen[name].configuration
        rankings[name] = baseline.rank(history, test, lookups.by_user)
    evaluation = Evaluation(
        identity,
        _protocol(history, test),
        {split: int(orders.size) for split, orders in indexes.items()},
        len(history.items),
        float(np.mean(reached)),
        _models(rankings, chosen, test, lookups),
        _spreads(ranked, len(batches), rankings[REPEAT], test) if trainings else {},
    )
    return evaluation, average(fitted[:AVERAGED])


def _whole_batches(fitted: range) -> list[range]:
    """Return successive parts of `AVERAGED` numbers each."""
    starts = range(0, len(fitted) - AVERAGED + 1, AVERAGED)
    return [fitted[start : start + AVERAGED] for start in starts]


def _spreads(
    ranked: Sequence[Ints], averages: int, repeat: Ints, test: Decisions
) -> dict[str, Any]:
    """Return the spread of single trainings, and of averages if there are several, on test."""
    baseline = float(measure(repeat, test.bought)[MAIN].mean())
    values = [float(measure(ranking, test.bought)[MAIN].mean()) for ranking in ranked]
    groups = {"single training": values[averages:]}
    if averages >= FEWEST_TRAININGS:
        groups[f"average of {AVERAGED}"] = values[:averages]
    return {
        "count": len(values) - averages,
        **{name: spread_of(each).to_dict() for name, each in groups.items()},
        **{
            f"{name} − {REPEAT}": spread_of([value - baseline for value in each]).to_dict()
            for name, each in groups.items()
        },
    }


def _models(
    rankings: Mapping[str, Ints], chosen: Mapping[str, Trial], test: Decisions, lookups: Lookups
) -> tuple[Measured, ...]:
    values = {name: measure(ranking, test.bought) for name, ranking in rankings.items()}
    warm = lookups.by_user.count(test.user, test.rows_seen) > 0
    slices = {"ordered before": warm, "first order": ~warm}
    return tuple(
        Measured(
            name,
            {"ndcg@10 on validation": chosen[name].value, **_described(chosen[name])},
            {metric: mean_interval(value, test.user) for metric, value in metrics.items()},
            {
                metric: mean_interval(values[RANKER][metric] - value, test.user)
                for metric, value in metrics.items()
            },
            {
                part: slice_interval(metrics[MAIN][inside], test.user[inside])
                for part, inside in slices.items()
                if inside.any()
            },
        )
        for name, metrics in values.items()
    )


def _described(trial: Trial) -> dict[str, Any]:
    return asdict(trial.configuration) | ({"rounds": trial.rounds} if trial.rounds else {})


def _protocol(history: History, test: Decisions) -> str:
    return (
        f"Next purchase: at each order of an identified user, all {len(history.items):,} items are "
        "ranked by what was known strictly before it; the items of that order are relevant.\n"
        f"Test: the {test.t.size:,} orders from {to_text(int(test.t[0]))[:16]}Z on, the last "
        "20 % of the time, measured once; everything was chosen on the last 20 % of the time "
        f"before.\n{CONVENTIONS} · 95 % intervals by bootstrap over users"
    )


def _identity(history: History) -> str:
    digest = hashlib.sha256("\0".join((*history.users, *history.items)).encode())
    for name in ("user", "item", "basket", "bought_at", "seen_at", "taken_back_at", "price"):
        digest.update(np.ascontiguousarray(getattr(history, name)).tobytes())
    return digest.hexdigest()


def _logged(out: Path, identity: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = json.loads((out / EVALUATION).read_text())
    except (OSError, ValueError):
        return None
    return table if table.get("identity") == identity else None

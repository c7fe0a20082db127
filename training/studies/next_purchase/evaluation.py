"""Next purchases, ranked and measured: ranker and baselines on the last 20 % of the time.

Everything is chosen on the validation split; the test split is looked at once for a history, and
asked again the logged result is given.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import DAY, DatasetError, to_text
from training.dataset import TEST, TRAIN, VALIDATE
from training.metrics import Interval, mean_interval
from training.ranker import Configuration, Ranker
from training.studies.next_purchase.baselines import POPULARITY, REPEAT
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.fitting import GRID, Trial, choose_baseline, choose_ranker
from training.studies.next_purchase.history import History, Ints
from training.studies.next_purchase.order import CONVENTIONS, MAIN, measure
from training.studies.next_purchase.relations import REFIT_DAYS, dated_relations
from training.studies.next_purchase.rows import Known, ranked, reachable

RANKER = "ranker"
EVALUATION = "next_purchase.json"


@dataclass(frozen=True)
class Measured:
    """One model on the test split.

    Attributes:
        name: ranker, or a baseline's name.
        chosen: its configuration, and ndcg@10 on the validation split.
        metrics: interval of each metric.
        behind: the ranker's metrics less this model's, paired; 0 for the ranker itself.
        slices: ndcg@10 by slice.
    """

    name: str
    chosen: dict[str, Any]
    metrics: dict[str, Interval]
    behind: dict[str, Interval]
    slices: dict[str, Interval]


@dataclass(frozen=True)
class Evaluation:
    """What was measured, with the protocol in words."""

    identity: str
    protocol: str
    orders: dict[str, int]
    items: int
    reachable: float
    models: tuple[Measured, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        table: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return table


def evaluate_next_purchase(
    history: History, out: Path, grid: tuple[Configuration, ...] = GRID
) -> dict[str, Any]:
    """Choose, fit and measure; write ranker and `next_purchase.json` into the folder `out`.

    Args:
        history: what was bought.
        out: folder.
        grid: configurations of the ranker that validation chooses between.

    Raises:
        DatasetError: too few orders to learn, choose and judge.
    """
    identity = _identity(history)
    logged = _logged(out, identity)
    if logged is not None:
        return logged
    evaluation, ranker = _evaluate(history, identity, grid)
    ranker.save(out / RANKER)
    half = out / f".{EVALUATION}.part"
    half.write_text(json.dumps(evaluation.to_dict(), indent=1) + "\n")
    half.replace(out / EVALUATION)
    return evaluation.to_dict()


def _evaluate(
    history: History, identity: str, grid: tuple[Configuration, ...]
) -> tuple[Evaluation, Ranker]:
    decisions = Decisions.of(history)
    places = {split: decisions.of_split(split) for split in (TRAIN, VALIDATE, TEST)}
    for split, found in places.items():
        if not found.size:
            raise DatasetError(f"No known user has an order in the {split} part of the time.")
    first = int(history.seen_at[0]) + REFIT_DAYS * DAY
    relations = dated_relations(history, first, int(decisions.t[-1]))
    known = Known(Lookups.of(history), relations)
    ranker, trials = choose_ranker(known, decisions, grid)
    chosen = {RANKER: trials[0]}
    chosen |= {
        name: choose_baseline(name, known.lookups, decisions)[0] for name in (REPEAT, POPULARITY)
    }
    judged = decisions.part(places[TEST])
    rankings = {RANKER: ranked(known, judged, ranker.apply)}
    for name in (REPEAT, POPULARITY):
        baseline: Any = chosen[name].configuration
        rankings[name] = baseline.rank(history, judged, known.lookups.by_user)
    evaluation = Evaluation(
        identity,
        _protocol(history, judged),
        {split: int(found.size) for split, found in places.items()},
        len(history.items),
        float(np.mean(reachable(known, judged))),
        _models(rankings, chosen, judged, known.lookups),
    )
    return evaluation, ranker


def _models(
    rankings: Mapping[str, Ints], chosen: Mapping[str, Trial], judged: Decisions, lookups: Lookups
) -> tuple[Measured, ...]:
    values = {name: measure(ranking, judged.bought) for name, ranking in rankings.items()}
    warm = lookups.by_user.count(judged.user, judged.rows_seen) > 0
    slices = {"ordered before": warm, "first order": ~warm}
    return tuple(
        Measured(
            name,
            {"ndcg@10 on validation": chosen[name].value, **_described(chosen[name])},
            {metric: mean_interval(value, judged.user) for metric, value in found.items()},
            {
                metric: mean_interval(values[RANKER][metric] - value, judged.user)
                for metric, value in found.items()
            },
            {
                part: mean_interval(found[MAIN][inside], judged.user[inside])
                for part, inside in slices.items()
                if inside.any()
            },
        )
        for name, found in values.items()
    )


def _described(trial: Trial) -> dict[str, Any]:
    told = asdict(trial.configuration)
    return told | ({"rounds": trial.rounds} if trial.rounds else {})


def _protocol(history: History, judged: Decisions) -> str:
    return (
        f"Next purchase: at each order of a known user, all {len(history.items):,} items are "
        "ranked by what was known strictly before it; wanted are the items of that order.\n"
        f"Test: the {judged.t.size:,} orders from {to_text(int(judged.t[0]))[:16]}Z on, the last "
        "20 % of the time, looked at once; everything was chosen on the last 20 % of the time "
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

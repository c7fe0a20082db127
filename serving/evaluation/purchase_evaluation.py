"""What `home` and `again` show of what is bought next, beside the baselines of next purchases.

Orders, measures and baselines are those of `training.studies.next_purchase`.  The indexes are
fitted on the log before the first of these orders, as they would have been served from then on.
What is known of a shopper is as of each order.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.feast_repo import apply, render
from feature_repo.home import DAY, DatasetError, Home, to_text
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates import DEPTH, merge, retrieve_candidates
from serving.evaluation.retrieval_evaluation import past_home
from serving.query import SURFACES, ListRequest, Query
from serving.state import ModelRegistry
from training.dataset import TEST, VALIDATE, historical_features
from training.metrics import Interval, mean_interval
from training.retrieval.sources import publish_indexes
from training.studies.next_purchase import (
    CONVENTIONS,
    MAIN,
    POPULARITY,
    REPEAT,
    Decisions,
    History,
    Ints,
    Lookups,
    Trial,
    choose_baseline,
    measure,
)

PAGES = ("home", "again")
BASELINES = (POPULARITY, REPEAT)
NOWHERE = -1
"""In place of an item that nobody bought, or beyond a list's end: it is never what was wanted."""

_NO_REDIS = ("127.0.0.1", 1)
"""Of the repository that past features are joined from; nothing is read from it."""

Values = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """A surface or a baseline over D orders, or the paired difference of two.

    Attributes:
        metrics: interval of each metric.
        slices: ndcg@10 by what was known of the shopper.
    """

    name: str
    metrics: dict[str, Interval]
    slices: dict[str, Interval]


def evaluate_purchases(home: Home, split: str = TEST) -> dict[str, Any]:
    """Measure surfaces and baselines at the orders of a part of the time.

    Raises:
        DatasetError: no orders there, none to choose baselines on, or nothing before them.
    """
    history = History.of_log(home)
    decisions, lookups = Decisions.of(history), Lookups.of(history)
    for needed in (VALIDATE, split):
        if not decisions.of_split(needed).size:
            raise DatasetError(f"No known user has an order in the {needed} part of the time.")
    judged = decisions.part(decisions.of_split(split))
    cut = int(judged.t[0]) // DAY * DAY
    chosen = {name: choose_baseline(name, lookups, decisions)[0] for name in BASELINES}
    shown, indexed = shown_at(home, history, judged, cut)
    rankings = {**shown, **_ranked(chosen, lookups, judged)}
    values = {name: measure(ranking, judged.bought) for name, ranking in rankings.items()}
    warm = lookups.by_user.count(judged.user, judged.rows_seen) > 0
    parts = {"ordered before": warm, "first order": ~warm}
    return {
        "protocol": _protocol(history, judged, split, cut),
        "split": split,
        "cut": to_text(cut),
        "orders": int(judged.t.size),
        "items": len(history.items),
        "indexed": indexed,
        "depth": DEPTH,
        "reached": {name: _reached(shown[name], judged) for name in PAGES},
        "chosen": {name: _chosen(trial) for name, trial in chosen.items()},
        "models": [asdict(_measured(n, found, judged, parts)) for n, found in values.items()],
        "differences": [
            asdict(_measured(f"{page} − {name}", _less(values[page], values[name]), judged, parts))
            for page in PAGES
            for name in BASELINES
        ],
    }


def shown_at(
    home: Home, history: History, judged: Decisions, cut: int
) -> tuple[dict[str, Ints], int]:
    """What each surface lists at D orders, shape (D, DEPTH), and how many items are indexed.

    Args:
        home: whose log.
        history: its purchases; items are numbered as there.
        judged: the orders.
        cut: a midnight; the indices are fitted on what was logged before.
    """
    with tempfile.TemporaryDirectory() as folder:
        past, shop = past_home(home, Path(folder) / "past", cut), Shop.load(home.shop_toml)
        publish_indexes(past)
        registry = ModelRegistry(past, shop)
        registry.reload()
        number = {item: place for place, item in enumerate(history.items)}
        shown = {page: np.full((judged.t.size, DEPTH), NOWHERE) for page in PAGES}
        for row, (user_id, facts) in enumerate(_known(home, Path(folder), history, judged)):
            for page, places in shown.items():
                listed = _listed(registry, page, user_id, facts)
                places[row, : len(listed)] = [number.get(item, NOWHERE) for item in listed]
        return shown, len(registry.index("assortment").item_ids)


def _known(
    home: Home, folder: Path, history: History, judged: Decisions
) -> Iterator[tuple[str, RequestContext]]:
    """Who orders, and what was known of them strictly before, by the features of the whole log."""
    whole = past_home(home, folder / "whole", int(history.seen_at[-1]) // DAY * DAY + 2 * DAY)
    render(whole, *_NO_REDIS)
    apply(whole)
    users = [history.users[user] for user in judged.user]
    orders = len(users)
    texts = pa.nulls(orders, pa.string())
    rows = pa.table(
        {
            "qid": np.arange(orders),
            "user_id": pa.array(users, pa.string()),
            "query_key": texts,
            "query": texts,
            "market": pa.repeat(DEFAULT_MARKET, orders),
            "utc_offset_minutes": pa.nulls(orders, pa.int32()),
            "item_id": texts,
            "t": pa.array(judged.t).cast(pa.timestamp("us", "UTC")),
        }
    )
    return zip(users, historical_features(whole, rows), strict=True)


def _listed(registry: ModelRegistry, page: str, user_id: str, known: RequestContext) -> list[str]:
    list_request = ListRequest(SURFACES[page])
    query = Query(page, known.t, user_id=user_id, surface=page, list_request=list_request)
    return list(
        merge(
            retrieve_candidates(registry, query, list_request, known), list_request.surface.sources
        ).item_ids
    )


def _ranked(chosen: Mapping[str, Trial], lookups: Lookups, judged: Decisions) -> dict[str, Ints]:
    baselines: dict[str, Any] = {name: trial.configuration for name, trial in chosen.items()}
    return {
        name: baseline.rank(lookups.history, judged, lookups.by_user)
        for name, baseline in baselines.items()
    }


def _measured(
    name: str, values: Values, judged: Decisions, parts: Mapping[str, npt.NDArray[np.bool_]]
) -> Measured:
    return Measured(
        name,
        {metric: mean_interval(found, judged.user) for metric, found in values.items()},
        {
            part: mean_interval(values[MAIN][inside], judged.user[inside])
            for part, inside in parts.items()
            if inside.any()
        },
    )


def _less(values: Values, others: Values) -> Values:
    return {metric: found - others[metric] for metric, found in values.items()}


def _reached(ranking: Ints, judged: Decisions) -> dict[str, float]:
    """Share of each order that stands anywhere in the list."""
    shares = [
        np.isin(bought, row).mean() for row, bought in zip(ranking, judged.bought, strict=True)
    ]
    return asdict(mean_interval(shares, judged.user))


def _chosen(trial: Trial) -> dict[str, Any]:
    return {"ndcg@10 on validation": trial.value, **asdict(trial.configuration)}


def _protocol(history: History, judged: Decisions, split: str, cut: int) -> str:
    first, last = (to_text(int(t))[:16] for t in judged.t[[0, -1]])
    parts = {
        TEST: "the last 20 % of the time; nothing was chosen on them, the baselines on the last "
        "20 % of the time before",
        VALIDATE: "the 20 % of the time before the test; the baselines were chosen on these very "
        "orders",
    }
    return (
        "Next purchase: at each order of a known user, what /recommend/home and /recommend/again "
        "would list by what was known of the user strictly before it, as retrieved and fused, "
        "without a ranker; wanted are the items of that order.\n"
        f"Orders: the {judged.t.size:,} from {first}Z to {last}Z, {parts[split]}.\n"
        f"Indices: of the log before {to_text(cut)[:10]}, the midnight before the first of these "
        "orders, for all of them; what was sold since is in none, and what came since cannot be "
        f"listed.  The baselines rank all {len(history.items):,} items and know every purchase "
        "strictly before each order, those since the indices too.\n"
        f"Lists: {DEPTH} items at most; `again` shows what is popular where nothing is known of "
        f"the user.\n{CONVENTIONS} · 95 % intervals by bootstrap over users"
    )

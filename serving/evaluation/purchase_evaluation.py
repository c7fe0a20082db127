"""Evaluate `home` and `again` on the items bought next, against next-purchase baselines.

Orders, metrics and baselines come from `training.studies.next_purchase`.  The indexes are fitted
each week on the log before it, as if the service refreshed once a week.  The features of each
shopper are as of the order.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.feast_repo import apply, render
from feature_repo.home import DAY, DatasetError, Home, to_text
from feature_repo.online.redis import RedisAddress
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates import DEPTH, merge, retrieve_candidates
from serving.evaluation.retrieval_evaluation import copy_log, past_home
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
REFIT_DAYS = 7
"""Days from one fit of the indexes to the next."""

NO_ITEM = -1
"""Number of items without a purchase, and padding at the end of a list; never a target."""

ITEM_ATTRIBUTES = "item_attributes"
_ITEM_ROWS = """
from read_parquet($files, union_by_name := true) where event_timestamp <= make_timestamptz($cut)
"""

_NO_REDIS = RedisAddress.local(1)
"""Address for the repository of the historical join, which never reads from Redis."""

Values = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class SurfaceFigures:
    """A surface or a baseline over D orders, or the paired difference of two.

    Attributes:
        metrics: interval of each metric.
        slices: ndcg@10 by the history of the shopper.
    """

    name: str
    metrics: dict[str, Interval]
    slices: dict[str, Interval]


def evaluate_purchases(home: Home, split: str = TEST) -> dict[str, Any]:
    """Measure surfaces and baselines at the orders of one split.

    Raises:
        DatasetError: the split has no orders, or there are none to choose baselines on, or no
            events before them.
    """
    history = History.of_log(home)
    decisions, lookups = Decisions.of(history), Lookups.of(history)
    for needed in (VALIDATE, split):
        if not decisions.of_split(needed).size:
            raise DatasetError(
                f"Expected orders of identified users in the {needed} split, found none."
            )
    orders = decisions.part(decisions.of_split(split))
    chosen = {name: choose_baseline(name, lookups, decisions)[0] for name in BASELINES}
    lists, indexed = lists_at(home, history, orders)
    rankings = {**lists, **_ranked(chosen, lookups, orders)}
    values = {name: measure(ranking, orders.bought) for name, ranking in rankings.items()}
    warm = lookups.by_user.count(orders.user, orders.rows_seen) > 0
    parts = {"ordered before": warm, "first order": ~warm}
    return {
        "protocol": _protocol(history, orders, split),
        "split": split,
        "cut": to_text(int(orders.t[0]) // DAY * DAY),
        "orders": int(orders.t.size),
        "items": len(history.items),
        "indexed": indexed,
        "depth": DEPTH,
        "reached": {name: _reached(lists[name], orders) for name in PAGES},
        "chosen": {name: _chosen(trial) for name, trial in chosen.items()},
        "models": [
            asdict(_measured(n, values_of_metric, orders, parts))
            for n, values_of_metric in values.items()
        ],
        "differences": [
            asdict(_measured(f"{page} − {name}", _less(values[page], values[name]), orders, parts))
            for page in PAGES
            for name in BASELINES
        ],
    }


def lists_at(
    home: Home, history: History, orders: Decisions, refit_days: int = REFIT_DAYS
) -> tuple[dict[str, Ints], int]:
    """Return the lists of each surface at D orders, and the number of items of the last indexes.

    Args:
        home: whose log.
        history: its purchases; lists of shape (D, DEPTH) contain item numbers of the history.
        orders: the D orders, in time order.
        refit_days: the indexes are fitted on the log before the midnight before the first order,
            and again after so many days.
    """
    days = orders.t // DAY
    cuts = (days - (days - days[0]) % refit_days) * DAY
    with tempfile.TemporaryDirectory() as folder:
        end = int(history.seen_at[-1]) // DAY * DAY + 2 * DAY
        whole, past = past_home(home, Path(folder) / "whole", end), Home(Path(folder) / "past")
        registry, fitted_at = ModelRegistry(past, Shop.load(home.shop_toml)), -1
        number = {item: index for index, item in enumerate(history.items)}
        lists = {page: np.full((orders.t.size, DEPTH), NO_ITEM) for page in PAGES}
        for row, (user_id, context) in enumerate(_contexts(whole, history, orders)):
            if fitted_at != cuts[row]:
                fitted_at = int(cuts[row])
                _fit_indexes(whole, past, fitted_at)
                registry.reload()
            for page, numbers in lists.items():
                listed = _listed(registry, page, user_id, context)
                numbers[row, : len(listed)] = [number.get(item, NO_ITEM) for item in listed]
        return lists, len(registry.index("assortment").item_ids)


def _fit_indexes(whole: Home, past: Home, cut: int) -> None:
    """Publish in a past home the indexes of the log and the items before a midnight."""
    copy_log(whole, past, cut)
    items = past.features / ITEM_ATTRIBUTES
    items.mkdir(parents=True, exist_ok=True)
    files = [str(path) for path in (whole.features / ITEM_ATTRIBUTES).rglob("*.parquet")]
    if files:
        with duckdb.connect() as db:
            db.execute("set timezone = 'UTC'")
            rows = db.sql(_ITEM_ROWS, params={"files": files, "cut": cut}).to_arrow_table()
        pq.write_table(rows, items / "rows.parquet")
    publish_indexes(past, only_changed=True)


def _contexts(
    whole: Home, history: History, orders: Decisions
) -> Iterator[tuple[str, RequestContext]]:
    """Yield the user of each order, and the user's features strictly before the order."""
    render(whole, _NO_REDIS)
    apply(whole)
    users = [history.users[user] for user in orders.user]
    order_count = len(users)
    texts = pa.nulls(order_count, pa.string())
    rows = pa.table(
        {
            "qid": np.arange(order_count),
            "user_id": pa.array(users, pa.string()),
            "session_id": texts,
            "query_key": texts,
            "query": texts,
            "market": pa.repeat(DEFAULT_MARKET, order_count),
            "utc_offset_minutes": pa.nulls(order_count, pa.int32()),
            "item_id": texts,
            "t": pa.array(orders.t).cast(pa.timestamp("us", "UTC")),
        }
    )
    return zip(users, historical_features(whole, rows), strict=True)


def _listed(registry: ModelRegistry, page: str, user_id: str, context: RequestContext) -> list[str]:
    list_request = ListRequest(SURFACES[page])
    query = Query(page, context.t, user_id=user_id, surface=page, list_request=list_request)
    return list(
        merge(
            retrieve_candidates(registry.index, query, list_request, context),
            list_request.surface,
        ).item_ids
    )


def _ranked(chosen: Mapping[str, Trial], lookups: Lookups, orders: Decisions) -> dict[str, Ints]:
    baselines: dict[str, Any] = {name: trial.configuration for name, trial in chosen.items()}
    return {
        name: baseline.rank(lookups.history, orders, lookups.by_user)
        for name, baseline in baselines.items()
    }


def _measured(
    name: str, values: Values, orders: Decisions, parts: Mapping[str, npt.NDArray[np.bool_]]
) -> SurfaceFigures:
    return SurfaceFigures(
        name,
        {
            metric: mean_interval(values_of_metric, orders.user)
            for metric, values_of_metric in values.items()
        },
        {
            part: mean_interval(values[MAIN][inside], orders.user[inside])
            for part, inside in parts.items()
            if inside.any()
        },
    )


def _less(values: Values, others: Values) -> Values:
    return {
        metric: values_of_metric - others[metric] for metric, values_of_metric in values.items()
    }


def _reached(ranking: Ints, orders: Decisions) -> dict[str, float]:
    """Return the share of each order that is anywhere in the list."""
    shares = [
        np.isin(bought, row).mean() for row, bought in zip(ranking, orders.bought, strict=True)
    ]
    return asdict(mean_interval(shares, orders.user))


def _chosen(trial: Trial) -> dict[str, Any]:
    return {"ndcg@10 on validation": trial.value, **asdict(trial.configuration)}


def _protocol(history: History, orders: Decisions, split: str) -> str:
    first, last = (to_text(int(t))[:16] for t in orders.t[[0, -1]])
    parts = {
        TEST: "the last 20 % of the time; the baselines were chosen on the 20 % before them",
        VALIDATE: "the 20 % of the time before the test; the baselines were chosen on the same "
        "orders",
    }
    return (
        "Next purchase: at each order of a user, the lists of /recommend/home and "
        "/recommend/again with the user's features strictly before the order, as retrieved and "
        "fused, without a ranker; the targets are the items of the order.\n"
        f"Orders: the {orders.t.size:,} from {first}Z to {last}Z, {parts[split]}.\n"
        f"Indexes: fitted each {REFIT_DAYS} days on the log before, first at the midnight before "
        "the first of these orders; they contain no later sale and no newer item.  The baselines "
        f"rank all {len(history.items):,} items and use every purchase strictly before each "
        "order, later ones than the indexes too.\n"
        f"Lists: {DEPTH} items at most; `again` lists popular items after those of the user's "
        f"past.\n{CONVENTIONS} · 95 % intervals by bootstrap over users"
    )

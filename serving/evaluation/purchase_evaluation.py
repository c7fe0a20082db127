"""Evaluate `home` and `again` on the items bought next, against next-purchase baselines.

Orders, metrics and baselines come from `training.studies.next_purchase`.  The indexes are fitted
again and again on the log before, as if the service refreshed so often.  The features of each
shopper are as of the order.  Where the home has a ranker of next purchases, its order of the lists
is measured too.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from feature_repo.home import DAY, DatasetError, Home, SettingError, to_text
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates import DEPTH, merge, retrieve_candidates
from serving.evaluation.purchase_rankers import PurchaseRankers, contexts_at, fit_of, ranked_lists
from serving.evaluation.retrieval_evaluation import copy_log, past_home
from serving.query import SURFACES, ListRequest, Query
from serving.state import ModelRegistry
from training.dataset import TEST, VALIDATE
from training.metrics import (
    Interval,
    check_trainings,
    mean_interval,
    slice_interval,
    spread_of,
    without_nan,
)
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
"""Days from one fit of the indexes to the next; daily fits rank alike for three times the CPU."""

NO_ITEM = -1
"""Number of items without a purchase, and padding at the end of a list; never a target."""

RANKED = "{} by the ranker"
"""Name of a page in the order of the ranker."""

ITEM_ATTRIBUTES = "item_attributes"
_ITEM_ROWS = """
from read_parquet($files, union_by_name := true) where event_timestamp <= make_timestamptz($cut)
"""

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


def evaluate_purchases(
    home: Home,
    split: str = TEST,
    dataset: Path | None = None,
    ranker: Path | None = None,
    trainings: int | None = None,
    refit_days: int | None = None,
) -> dict[str, Any]:
    """Measure surfaces and baselines at the orders of one split.

    Args:
        home: whose log.
        split: test or validate.
        dataset, ranker: file and folder that `aisle train` wrote; used where they are of a ranker
            of next purchases.
        trainings: also measure this many rankers with other seeds; two at least.
        refit_days: from one fit of the indexes to the next, one at least; `REFIT_DAYS` if None.

    Raises:
        SettingError: a single training, or trainings without a ranker; no day between two fits.
        DatasetError: the split has no orders, or there are none to choose baselines on, or no
            events before them.
    """
    refit_days = _checked_days(refit_days)
    fit = _checked_fit(dataset, ranker, trainings)
    history = History.of_log(home)
    decisions, lookups = Decisions.of(history), Lookups.of(history)
    for needed in (VALIDATE, split):
        if not decisions.of_split(needed).size:
            raise DatasetError(
                f"Expected orders of identified users in the {needed} split, found none."
            )
    orders = decisions.part(decisions.of_split(split))
    chosen = {name: choose_baseline(name, lookups, decisions)[0] for name in BASELINES}
    rankers = fit and fit(int(orders.t[0]), trainings or 1)
    lists = lists_at(home, history, orders, refit_days, rankers)
    ranked = {RANKED.format(page): by_ranker[0] for page, by_ranker in lists.ranked.items()}
    rankings = {**ranked, **lists.retrieved, **_ranked(chosen, lookups, orders)}
    values = {name: measure(ranking, orders.bought) for name, ranking in rankings.items()}
    warm = lookups.by_user.count(orders.user, orders.rows_seen) > 0
    parts = {"ordered before": warm, "first order": ~warm}
    return {
        "protocol": _protocol(history, orders, split, refit_days),
        "split": split,
        "cut": to_text(int(orders.t[0]) // DAY * DAY),
        "orders": int(orders.t.size),
        "items": len(history.items),
        "indexed": lists.indexed,
        "depth": DEPTH,
        "reached": {name: _reached(lists.retrieved[name], orders) for name in PAGES},
        "chosen": {name: _chosen(trial) for name, trial in chosen.items()},
        "models": [_measured(n, v, orders, parts) for n, v in values.items()],
        "differences": [
            _measured(f"{page} − {name}", _less(values[page], values[name]), orders, parts)
            for page in (*ranked, *PAGES)
            for name in BASELINES
        ],
        "trainings": _spreads(lists, orders, values[REPEAT]) if trainings else {},
    }


def _checked_days(refit_days: int | None) -> int:
    if refit_days is not None and refit_days < 1:
        raise SettingError(f"--refit-days: expected 1 or more, found {refit_days}.")
    return refit_days or REFIT_DAYS


def _checked_fit(
    dataset: Path | None, ranker: Path | None, trainings: int | None
) -> Callable[[int, int], PurchaseRankers] | None:
    """Return `fit_of` the ranker; check that several trainings are possible."""
    if trainings is not None:
        check_trainings(trainings)
    fit = fit_of(dataset, ranker)
    if trainings is not None and fit is None:
        raise SettingError("--trainings: expected a ranker of next purchases; run `aisle train`.")
    return fit


@dataclass(frozen=True)
class SurfaceLists:
    """The lists of each page at D orders, item numbers of the history, shape (D, DEPTH).

    Attributes:
        retrieved: by page, as retrieved and fused.
        ranked: by page, in the order of each ranker.
        indexed: number of items of the last indexes.
    """

    retrieved: dict[str, Ints]
    ranked: dict[str, list[Ints]]
    indexed: int


def lists_at(
    home: Home,
    history: History,
    orders: Decisions,
    refit_days: int,
    rankers: PurchaseRankers | None = None,
) -> SurfaceLists:
    """Return the lists of each surface at D orders.

    Args:
        home: whose log.
        history: its purchases.
        orders: the D orders, in time order.
        refit_days: the indexes are fitted on the log before the midnight before the first order,
            and again after so many days.
        rankers: order the lists.
    """
    days = orders.t // DAY
    cuts = (days - (days - days[0]) % refit_days) * DAY
    with tempfile.TemporaryDirectory() as folder:
        end = int(history.seen_at[-1]) // DAY * DAY + 2 * DAY
        whole, past = past_home(home, Path(folder) / "whole", end), Home(Path(folder) / "past")
        registry, fitted_at = ModelRegistry(past, Shop.load(home.shop_toml)), -1
        lists: dict[str, list[list[str]]] = {page: [] for page in PAGES}
        users = [history.users[user] for user in orders.user]
        visits = [*zip(users, orders.t.tolist(), strict=True)]
        contexts = contexts_at(whole, visits, [[None]] * len(visits))
        for cut, user_id, context in zip(cuts.tolist(), users, contexts, strict=True):
            if fitted_at != cut:
                fitted_at = cut
                _fit_indexes(whole, past, cut)
                registry.reload()
            for page, of_page in lists.items():
                of_page.append(_listed(registry, page, user_id, context))
        ranked = ranked_lists(whole, visits, lists, rankers) if rankers else {}
        return SurfaceLists(
            {page: _numbered(of_page, history) for page, of_page in lists.items()},
            {page: [_numbered(one, history) for one in ranked[page]] for page in ranked},
            len(registry.index("assortment").item_ids),
        )


def _numbered(lists: Sequence[Sequence[str]], history: History) -> Ints:
    """Return the item numbers of D lists, shape (D, DEPTH)."""
    number = {item: index for index, item in enumerate(history.items)}
    numbers = np.full((len(lists), DEPTH), NO_ITEM)
    for row, items in zip(numbers, lists, strict=True):
        row[: len(items)] = [number.get(item, NO_ITEM) for item in items]
    return numbers


def _spreads(lists: SurfaceLists, orders: Decisions, repeat: Values) -> dict[str, Any]:
    """Return the spread of ndcg@10 over several rankers, and of the gain over the baseline."""
    spreads: dict[str, Any] = {"count": len(next(iter(lists.ranked.values())))}
    baseline = float(repeat[MAIN].mean())
    for page, by_ranker in lists.ranked.items():
        values = [float(measure(one, orders.bought)[MAIN].mean()) for one in by_ranker]
        name = RANKED.format(page)
        spreads[name] = spread_of(values).to_dict()
        spreads[f"{name} − {REPEAT}"] = spread_of([v - baseline for v in values]).to_dict()
    return spreads


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
) -> dict[str, Any]:
    figures = SurfaceFigures(
        name,
        {
            metric: mean_interval(values_of_metric, orders.user)
            for metric, values_of_metric in values.items()
        },
        {
            part: slice_interval(values[MAIN][inside], orders.user[inside])
            for part, inside in parts.items()
            if inside.any()
        },
    )
    plain: dict[str, Any] = without_nan(asdict(figures))
    return plain


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


def _protocol(history: History, orders: Decisions, split: str, refit_days: int) -> str:
    every = "day" if refit_days == 1 else f"{refit_days} days"
    first, last = (to_text(int(t))[:16] for t in orders.t[[0, -1]])
    parts = {
        TEST: "the last 20 % of the time; the baselines were chosen on the 20 % before them",
        VALIDATE: "the 20 % of the time before the test; the baselines were chosen on the same "
        "orders",
    }
    return (
        "Next purchase: at each order of a user, the lists of /recommend/home and "
        "/recommend/again with the user's features strictly before the order, as retrieved and "
        "fused, and by the ranker if there is one, fitted on the orders before all of these; the "
        "targets are the items of the order.\n"
        f"Orders: the {orders.t.size:,} from {first}Z to {last}Z, {parts[split]}.\n"
        f"Indexes: fitted each {every} on the log before, first at the midnight before "
        "the first of these orders; they contain no later sale and no newer item.  The baselines "
        f"rank all {len(history.items):,} items and use every purchase strictly before each "
        "order, later ones than the indexes too.\n"
        f"Lists: {DEPTH} items at most; `again` lists popular items after those of the user's "
        f"past.\n{CONVENTIONS} · 95 % intervals by bootstrap over users"
    )

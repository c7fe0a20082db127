"""Evaluate retrieval: recall of each candidate source on the last days of the log.

The indexes are fitted on the log before these days, as the service would have used them.  Each
ranking of these days with a click, cart or purchase is retrieved again, with the features of its
shopper and query at its instant.  Recall is the share of the clicked items among the first 200 of
the fused list; the marginal recall of a source is the loss without it.  New items count as missed.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import DAY, DatasetError, Home, to_datetime, to_text
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from serving.candidates import DEPTH, Retrieval, merge, retrieve_candidates
from serving.query import SEARCH, SURFACES, ListRequest, Query
from serving.state import ModelRegistry
from training.dataset import compacted, historical_features, labelled_rankings
from training.metrics import Interval, slice_interval, without_nan
from training.query_understanding import Understanding
from training.retrieval.catalogue import RankedRows
from training.retrieval.indexes import UNDERSTANDING
from training.retrieval.sources import Surface, publish_indexes

BROWSED = "home"
"""The surface that is evaluated on rankings without a query."""


@dataclass(frozen=True)
class SurfaceRecall:
    """Figures of one surface over Q rankings with a gain.

    Attributes:
        union: recall of the fused list, with a 95 % interval over users.
        alone: by source, recall of its first items.
        marginal: by source, loss of the fused list without it.
    """

    rankings: int
    union: Interval
    alone: dict[str, float]
    marginal: dict[str, float]


@dataclass(frozen=True)
class EvaluatedRanking:
    """One evaluated ranking: its query, its features, and its items with a gain."""

    query: Query
    context: RequestContext
    relevant: frozenset[str]


def evaluate_retrieval(home: Home, days: int = 1) -> dict[str, Any]:
    """Measure each surface on the last days of a home's log.

    Raises:
        DatasetError: these days have no ranking with a gain, or there are no events before them.
    """
    if compacted(home, "interaction") and not compacted(home, "ranking"):
        raise DatasetError(
            f"{home.log} has no ranking; evaluate purchases instead, with --purchases."
        )
    rows = labelled_rankings(home)
    t = rows["t"].cast(pa.int64())
    cut = (pc.max(t).as_py() // DAY - days + 1) * DAY
    recent = rows.filter(pc.greater_equal(t, cut))
    with_gain = pc.unique(recent.filter(pc.greater(recent["gain"], 0))["request_id"])
    recent = recent.filter(pc.is_in(recent["request_id"], value_set=with_gain))
    if not recent.num_rows:
        raise DatasetError(f"Expected rankings with a click since {to_text(cut)}, found none.")
    with tempfile.TemporaryDirectory() as folder:
        past, shop = past_home(home, Path(folder) / "past", cut), Shop.load(home.shop_toml)
        publish_indexes(past)
        registry = ModelRegistry(past, shop)
        registry.reload()
        items = len(registry.index("assortment").item_ids)
        rankings = list(_evaluated_rankings(home, recent, registry, shop))
        surfaces = {
            name: _measured(registry, of_it)
            for name in (SEARCH, BROWSED)
            if (of_it := [one for one in rankings if one.query.surface == name])
        }
    return {
        "items": items,
        "cut": to_text(cut),
        "depth": DEPTH,
        "surfaces": {name: without_nan(asdict(retrieval)) for name, retrieval in surfaces.items()},
    }


def past_home(home: Home, root: Path, cut: int) -> Home:
    """Make a home with the log up to a midnight, and its features.

    Raises:
        DatasetError: there are no events before it.
    """
    past = Home(root)
    copy_log(home, past, cut)
    transform(past, cut)
    return past


def copy_log(home: Home, past: Home, cut: int) -> None:
    """Give a past home the log up to a midnight, and the shop; or extend its log to it.

    Raises:
        DatasetError: there are no events before it.
    """
    for folder in sorted((home.log / "compacted").glob("*/day=*")):
        day = datetime.fromisoformat(folder.name.removeprefix("day=")).replace(tzinfo=UTC)
        link = past.log / "compacted" / folder.parent.name / folder.name
        if day < to_datetime(cut) and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder.absolute())
    if not past.log.exists():
        raise DatasetError(f"Expected events before {to_text(cut)}, found none.")
    shutil.copy(home.log / "seals", past.log / "seals")
    if home.shop_toml.exists():
        shutil.copy(home.shop_toml, past.shop_toml)


def _evaluated_rankings(
    home: Home, recent: pa.Table, registry: ModelRegistry, shop: Shop
) -> Iterator[EvaluatedRanking]:
    relevant: dict[str, set[str]] = {}
    for row in (
        recent.filter(pc.greater(recent["gain"], 0)).select(["request_id", "item_id"]).to_pylist()
    ):
        relevant.setdefault(row["request_id"], set()).add(row["item_id"])
    firsts = recent.take(pa.array(_first_rows(recent["request_id"].to_pylist())))
    firsts = firsts.append_column("qid", pa.array(np.arange(firsts.num_rows)))
    learned: Understanding = registry.index(UNDERSTANDING)
    for row, context in zip(firsts.to_pylist(), historical_features(home, firsts), strict=True):
        query = (row["query"] or "").strip() or None
        surface = SEARCH if query else BROWSED
        list_request = ListRequest(SURFACES[surface])
        if query:
            interpreted = learned.apply(
                query, shop.market(row["market"]), reads_prices=shop.price_field is not None
            )
            list_request = ListRequest(SURFACES[surface], interpreted=interpreted)
        query = Query(
            request_id=row["request_id"],
            t=context.t,
            user_id=row["user_id"],
            session_id=row["session_id"],
            text=query,
            market=row["market"],
            surface=surface,
            list_request=list_request,
        )
        yield EvaluatedRanking(query, context, frozenset(relevant[row["request_id"]]))


def _first_rows(requests: list[str]) -> list[int]:
    return sorted({request: n for n, request in reversed(list(enumerate(requests)))}.values())


def _measured(registry: ModelRegistry, rankings: list[EvaluatedRanking]) -> SurfaceRecall:
    union, alone, marginal = [], dict[str, list[float]](), dict[str, list[float]]()
    for one in rankings:
        assert one.query.list_request is not None
        surface = one.query.list_request.surface
        retrieval = retrieve_candidates(
            registry.index, one.query, one.query.list_request, one.context
        )
        union_recall = _recall(merge(retrieval, surface).item_ids, one.relevant)
        union.append(union_recall)
        for name, share in _each(retrieval, surface, one.relevant).items():
            alone.setdefault(name, []).append(share[0])
            marginal.setdefault(name, []).append(union_recall - share[1])
    users = np.unique([str(one.query.user_id) for one in rankings], return_inverse=True)[1]
    return SurfaceRecall(
        len(rankings),
        slice_interval(np.array(union), users),
        {name: _share(values, len(rankings)) for name, values in alone.items()},
        {name: _share(values, len(rankings)) for name, values in marginal.items()},
    )


def _each(
    retrieval: Retrieval, surface: Surface, relevant: frozenset[str]
) -> dict[str, tuple[float, float]]:
    """Return by source the recall of it alone, and of all the others together."""

    def recall(sources: Mapping[str, RankedRows]) -> float:
        return _recall(merge(replace(retrieval, results=sources), surface).item_ids, relevant)

    return {
        name: (
            _recall([retrieval.item_ids[row] for row in one.rows[:DEPTH].tolist()], relevant),
            recall({other: f for other, f in retrieval.results.items() if other != name}),
        )
        for name, one in retrieval.results.items()
    }


def _recall(item_ids: Any, relevant: frozenset[str]) -> float:
    return len(relevant & frozenset(item_ids)) / len(relevant)


def _share(values: list[float], rankings: int) -> float:
    """Return the mean over all rankings; a source that was not searched counts as 0."""
    total: npt.NDArray[np.float64] = np.sum(values)
    return round(float(total) / rankings, 4)

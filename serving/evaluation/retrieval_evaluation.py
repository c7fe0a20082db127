"""Whether what shoppers wanted is among the candidates of each source, held out in time.

The indices are fitted on the log before the last days of it, as they would have been served then.
Each ranking of these days with a wanted item asks them anew, with what was known of its shopper and
query at its instant.  Recall is the share of the wanted items among the first 200 of the fused
list; a source's marginal recall is what is lost without it.  Items that came into the shop since
count as missed.
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
from training.metrics import Interval, mean_interval
from training.query_understanding import Understanding
from training.retrieval.catalogue import RankedRows
from training.retrieval.indexes import UNDERSTANDING
from training.retrieval.sources import publish_indexes

BROWSED = "home"
"""The surface whose sources are asked where a ranking has no query."""


@dataclass(frozen=True)
class Recalled:
    """One surface over Q rankings with something wanted.

    Attributes:
        union: recall of the fused list, with a 95 % interval over users.
        alone: by source, recall of its own first items.
        marginal: by source, what the fused list loses without it.
    """

    rankings: int
    union: Interval
    alone: dict[str, float]
    marginal: dict[str, float]


@dataclass(frozen=True)
class Asked:
    """A held-out ranking: who asked for what, and what was wanted of it."""

    query: Query
    known: RequestContext
    relevant: frozenset[str]


def evaluate_retrieval(home: Home, days: int = 1) -> dict[str, Any]:
    """Measure each surface on the last days of a home's log.

    Raises:
        DatasetError: nothing was wanted in these days, or nothing is before them.
    """
    if compacted(home, "interaction") and not compacted(home, "ranking"):
        raise DatasetError(
            f"{home.log} holds no ranking; ask with --purchases what is shown of what is bought."
        )
    rows = labelled_rankings(home)
    t = rows["t"].cast(pa.int64())
    cut = (pc.max(t).as_py() // DAY - days + 1) * DAY
    held = rows.filter(pc.greater_equal(t, cut))
    wanted = pc.unique(held.filter(pc.greater(held["gain"], 0))["request_id"])
    held = held.filter(pc.is_in(held["request_id"], value_set=wanted))
    if not held.num_rows:
        raise DatasetError(f"Expected rankings with a click since {to_text(cut)}, found none.")
    with tempfile.TemporaryDirectory() as folder:
        past, shop = past_home(home, Path(folder) / "past", cut), Shop.load(home.shop_toml)
        publish_indexes(past)
        registry = ModelRegistry(past, shop)
        registry.reload()
        items = len(registry.index("assortment").item_ids)
        asked = list(_asked(home, held, registry, shop))
        surfaces = {
            name: _measured(registry, of_it)
            for name in (SEARCH, BROWSED)
            if (of_it := [one for one in asked if one.query.surface == name])
        }
    return {
        "items": items,
        "cut": to_text(cut),
        "depth": DEPTH,
        "surfaces": {name: asdict(found) for name, found in surfaces.items()},
    }


def past_home(home: Home, root: Path, cut: int) -> Home:
    """A home with the log as it was at a midnight, and its features.

    Raises:
        DatasetError: nothing was logged before.
    """
    past = Home(root)
    for folder in sorted((home.log / "compacted").glob("*/day=*")):
        day = datetime.fromisoformat(folder.name.removeprefix("day=")).replace(tzinfo=UTC)
        if day < to_datetime(cut):
            link = past.log / "compacted" / folder.parent.name / folder.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder.absolute())
    if not past.log.exists():
        raise DatasetError(f"Expected events before {to_text(cut)}, found none.")
    shutil.copy(home.log / "seals", past.log / "seals")
    if home.shop_toml.exists():
        shutil.copy(home.shop_toml, past.shop_toml)
    transform(past, cut)
    return past


def _asked(home: Home, held: pa.Table, registry: ModelRegistry, shop: Shop) -> Iterator[Asked]:
    relevant: dict[str, set[str]] = {}
    for row in (
        held.filter(pc.greater(held["gain"], 0)).select(["request_id", "item_id"]).to_pylist()
    ):
        relevant.setdefault(row["request_id"], set()).add(row["item_id"])
    firsts = held.take(pa.array(_first_rows(held["request_id"].to_pylist())))
    firsts = firsts.append_column("qid", pa.array(np.arange(firsts.num_rows)))
    learned: Understanding = registry.index(UNDERSTANDING)
    reads_prices = shop.item_role("price") is not None
    for row, known in zip(firsts.to_pylist(), historical_features(home, firsts), strict=True):
        query = (row["query"] or "").strip() or None
        surface = SEARCH if query else BROWSED
        list_request = ListRequest(SURFACES[surface])
        if query:
            understood = learned.apply(query, row["market"], reads_prices=reads_prices)
            list_request = ListRequest(SURFACES[surface], interpreted=understood)
        query = Query(
            request_id=row["request_id"],
            t=known.t,
            user_id=row["user_id"],
            text=query,
            market=row["market"],
            surface=surface,
            list_request=list_request,
        )
        yield Asked(query, known, frozenset(relevant[row["request_id"]]))


def _first_rows(requests: list[str]) -> list[int]:
    return sorted({request: n for n, request in reversed(list(enumerate(requests)))}.values())


def _measured(registry: ModelRegistry, asked: list[Asked]) -> Recalled:
    union, alone, marginal = [], dict[str, list[float]](), dict[str, list[float]]()
    for one in asked:
        assert one.query.list_request is not None
        weights = one.query.list_request.surface.sources
        found = retrieve_candidates(registry, one.query, one.query.list_request, one.known)
        whole = _recall(merge(found, weights).item_ids, one.relevant)
        union.append(whole)
        for name, share in _each(found, weights, one.relevant).items():
            alone.setdefault(name, []).append(share[0])
            marginal.setdefault(name, []).append(whole - share[1])
    users = np.unique([str(one.query.user_id) for one in asked], return_inverse=True)[1]
    return Recalled(
        len(asked),
        mean_interval(np.array(union), users),
        {name: _share(values, len(asked)) for name, values in alone.items()},
        {name: _share(values, len(asked)) for name, values in marginal.items()},
    )


def _each(
    found: Retrieval, weights: Mapping[str, float], relevant: frozenset[str]
) -> dict[str, tuple[float, float]]:
    """By source: recall of it alone, and of all the others together."""

    def recall(sources: Mapping[str, RankedRows]) -> float:
        return _recall(merge(replace(found, results=sources), weights).item_ids, relevant)

    return {
        name: (
            _recall([found.item_ids[row] for row in one.rows[:DEPTH].tolist()], relevant),
            recall({other: f for other, f in found.results.items() if other != name}),
        )
        for name, one in found.results.items()
    }


def _recall(item_ids: Any, relevant: frozenset[str]) -> float:
    return len(relevant & frozenset(item_ids)) / len(relevant)


def _share(values: list[float], asked: int) -> float:
    """The mean over all rankings; a source that was not asked found nothing, and cost nothing."""
    total: npt.NDArray[np.float64] = np.sum(values)
    return round(float(total) / asked, 4)

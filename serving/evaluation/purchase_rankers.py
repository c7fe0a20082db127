"""Rankers of next purchases, for the lists of past orders.

`aisle train` chooses a ranker; here it is fitted again on the orders before those to evaluate,
whatever their split.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.feast_repo import apply, render
from feature_repo.home import Home
from feature_repo.online.redis import RedisAddress
from feature_repo.request_features import RequestContext, feature_matrix
from feature_repo.shop import Shop
from feature_repo.views import PURCHASE_SERVICE
from serving.query import SURFACES
from serving.ranking import Scored, blended_order
from training.dataset import Facts, LazyDataset, historical_features
from training.ranker import SEED, TRAINING, Fitted, Trial, refit
from training.retrieval.catalogue import Candidates

Visits = Sequence[tuple[str, int]]

_NO_REDIS = RedisAddress.local(1)
"""Address for the repository of the historical join, which never reads from Redis."""


@dataclass(frozen=True)
class PurchaseRankers:
    """The same ranker, fitted several times with other seeds; the first has the published seed.

    Attributes:
        facts: of the dataset that they learned from.
    """

    facts: Facts
    fitted: tuple[Fitted, ...]

    @classmethod
    def fit(cls, dataset: Path, ranker: Path, before: int, count: int = 1) -> "PurchaseRankers":
        """Fit the chosen trial on the orders before an instant.

        Args:
            dataset: file that `aisle train` built.
            ranker: folder that it wrote.
            before: µs.
            count: number of rankers.
        """
        data = LazyDataset.open(dataset)
        instants = data.column("t").astype("datetime64[us]").astype(np.int64)
        chosen = Trial.from_dict(json.loads((ranker / TRAINING).read_text())["chosen"])
        learned = data.rows(instants < before)
        fitted = [refit(chosen.with_seed(SEED + number), learned) for number in range(count)]
        return cls(data.facts, tuple(fitted))

    def orders(self, context: RequestContext, shop: Shop, page: str) -> Iterator[list[str]]:
        """Yield the items of a page in the order of each ranker, best first.

        The context has them in the order of retrieval, which is blended in as in serving.
        """
        service, item_ids = self.facts.feature_service, context.item_ids
        matrix = feature_matrix(context, shop, self.facts.prior, service)
        weight = SURFACES[page].ranker_weights[service]
        for fitted in self.fitted:
            scored = Scored(item_ids, fitted.scores_of(matrix).astype(np.float64))
            order = blended_order(scored, Candidates(item_ids), weight)
            yield [item_ids[number] for number in order]


def fit_of(
    dataset: Path | None, ranker: Path | None
) -> Callable[[int, int], PurchaseRankers] | None:
    """Return `PurchaseRankers.fit` of what `aisle train` wrote.

    None where it wrote nothing, or a ranker of slates.
    """
    if dataset is None or ranker is None or not (dataset.exists() and ranker.exists()):
        return None
    facts = LazyDataset.open(dataset, most_bytes=0).facts
    is_of_purchases = facts.feature_service == PURCHASE_SERVICE
    return partial(PurchaseRankers.fit, dataset, ranker) if is_of_purchases else None


def contexts_at(
    home: Home, visits: Visits, candidates: Sequence[Sequence[str | None]]
) -> Iterator[RequestContext]:
    """Return the features strictly before each of D orders.

    Args:
        home: with features; its repository is written.
        visits: user and instant (µs) of each order, in time order.
        candidates: of each order; `[None]` for the features of the user alone.
    """
    render(home, _NO_REDIS)
    apply(home)
    numbers = [number for number, items in enumerate(candidates) for _ in items]
    row_count = len(numbers)
    texts = pa.nulls(row_count, pa.string())
    rows = pa.table(
        {
            "qid": numbers,
            "user_id": pa.array([visits[number][0] for number in numbers], pa.string()),
            "session_id": texts,
            "query_key": texts,
            "query": texts,
            "market": pa.repeat(DEFAULT_MARKET, row_count),
            "utc_offset_minutes": pa.nulls(row_count, pa.int32()),
            "item_id": pa.array([item for items in candidates for item in items], pa.string()),
            "t": pa.array([visits[number][1] for number in numbers], pa.timestamp("us", "UTC")),
        }
    )
    return historical_features(home, rows)


def ranked_lists(
    home: Home,
    visits: Visits,
    lists: Mapping[str, Sequence[Sequence[str]]],
    rankers: PurchaseRankers,
) -> dict[str, list[list[list[str]]]]:
    """Return the lists of each page in the order of each ranker: page → ranker → order → items."""
    by_order = zip(*lists.values(), strict=True)
    candidates = [[*dict.fromkeys(chain.from_iterable(pages))] for pages in by_order]
    ranked: dict[str, list[list[list[str]]]] = {
        page: [[] for _ in rankers.fitted] for page in lists
    }
    shop = Shop.load(home.shop_toml)
    for number, context in enumerate(contexts_at(home, visits, candidates)):
        position = {item: index for index, item in enumerate(context.item_ids)}
        for page, of_page in lists.items():
            shown = context.select([position[item] for item in of_page[number]])
            for one, order in zip(ranked[page], rankers.orders(shown, shop, page), strict=True):
                one.append(order)
    return ranked

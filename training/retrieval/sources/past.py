"""Items that the shopper bought or clicked before: what is bought often, lately and by many.

A score is interest · (0.3 + popularity).  Interest adds the purchases of all time, halved each 240
days since the last one, and the recent clicks and purchases that these do not include, by their
age in events.  Popularity is a share of the most popular item of the market.
"""

from collections.abc import Mapping

import numpy as np

from feature_repo.home import DAY
from feature_repo.request_features.context import RequestContext, as_list
from training.metrics import exp2
from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import TopLists
from training.retrieval.sources.request import SourceMissingError, SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import DECAY, POPULAR

HALF_LIFE_DAYS = 240
LEAST_POPULAR = 0.3
"""Relative score of an item that is not popular; chosen with the half-life on validation orders of
Online Retail."""


def _search(request: SourceRequest) -> RankedList:
    """Search the shopper's items; of equal scores the newest click comes first."""
    if not request.clicked_items:
        return RankedList()
    popularity = _popularity(request)
    scores = {
        item: interest * (LEAST_POPULAR + popularity.get(item, 0.0))
        for item, interest in _interest(request.features()).items()
    }
    best = sorted(scores, key=lambda item: -scores[item])
    return RankedList(best, [scores[item] for item in best])


def _interest(context: RequestContext) -> dict[str, float]:
    """Return the interest in each of the shopper's items, the newest clicks first.

    Clicks with the same instant, such as the items of one order, have the same age.
    """
    clicked = as_list(context.user.get("user_recent__clicked_item_ids"))
    clicked_at = as_list(context.user.get("user_recent__clicked_at"))
    age = {instant: n for n, instant in enumerate(dict.fromkeys(clicked_at))}
    purchases, newest = _purchases(context)
    interest = dict.fromkeys([item for item in clicked if item], 0.0)
    for item, at in zip(clicked, clicked_at, strict=False):
        if item and (item not in purchases or at > newest):
            interest[item] += DECAY ** age[at]
    for item, weight in purchases.items():
        interest[item] = interest.get(item, 0.0) + weight
    return interest


def _purchases(context: RequestContext) -> tuple[dict[str, float], int]:
    """Return the weights of the items bought up to the last midnight, and the newest instant."""
    items = as_list(context.user.get("user_purchases__bought_item_ids"))
    orders = as_list(context.user.get("user_purchases__bought_orders"))
    bought_at = as_list(context.user.get("user_purchases__bought_at"))
    half_lives = [(at - context.t) / (HALF_LIFE_DAYS * DAY) for at in bought_at]
    weights = (np.array(orders, np.float64) * exp2(half_lives)).tolist()
    return dict(zip(items, weights, strict=True)), max(bought_at, default=-1)


def _popularity(request: SourceRequest) -> Mapping[str, float]:
    """Return each popular item's share of the gain of the most popular one."""
    try:
        lists: TopLists = request.index(POPULAR.kind)
    except SourceMissingError:
        return {}
    return lists.shares(request.market)


SOURCE = SourceSpec(
    "past",
    "items that the shopper bought or clicked before, by frequency, recency and popularity",
    _search,
    {"browse": 2.0, "home": 50.0, "again": 1.0},
    index=POPULAR,
    order=7,
)

"""Popular items of the categories that the shopper clicked in.

Positions are shared among these categories by clicks, as seats among parties (d'Hondt): the
r-th item of a category with n clicks scores n / r.
"""

from collections import Counter

from feature_repo.request_features.context import as_list
from feature_repo.request_features.families import split
from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import TopLists
from training.retrieval.sources.request import MOST_LOOKED_UP, MOST_RESULTS, SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import POPULAR


def _search(request: SourceRequest) -> RankedList:
    category = request.item_table.shop.item_role("category")
    if request.is_anonymous or category is None:
        return RankedList()
    clicked = as_list(request.features().user.get(f"user_recent__clicked_{category.column}"))
    clicks_by_category = Counter(value for text in clicked for value in split(text))
    scores: dict[str, float] = {}
    for value, clicks in clicks_by_category.items():
        lists: TopLists = request.index(POPULAR.kind)
        popular = lists.search(request.market, MOST_RESULTS, value)
        for rank, item in enumerate(popular.item_ids, start=1):
            scores[item] = max(scores.get(item, 0.0), clicks / rank)
    return RankedList.best(scores, MOST_LOOKED_UP)


SOURCE = SourceSpec(
    "favourites",
    "popular items of the categories that the shopper clicked in",
    _search,
    {"browse": 1.0, "home": 1.0},
    index=POPULAR,
    order=5,
)

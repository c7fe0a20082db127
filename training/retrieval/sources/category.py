"""Popular items of the category that the query implies."""

from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import TopLists
from training.retrieval.sources.request import MOST_LOOKED_UP, SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import POPULAR


def _search(request: SourceRequest) -> RankedList:
    category = request.category
    if category is None:
        return RankedList()
    lists: TopLists = request.index(POPULAR.kind)
    return lists.search(request.market, MOST_LOOKED_UP, category)


SOURCE = SourceSpec(
    "category",
    "popular items of the category that the query implies",
    _search,
    {"search": 0.1},
    index=POPULAR,
    is_partial_match=True,
    order=2,
)

"""Items that shoppers clicked after the same query."""

from feature_repo.request_features.context import as_list
from training.retrieval.catalogue import RankedList
from training.retrieval.sources.request import SourceRequest
from training.retrieval.sources.spec import SourceSpec


def _search(request: SourceRequest) -> RankedList:
    row = request.features().query_row
    items = as_list(row.get("query_clicked_items__clicked_item_keys"))
    clicks = as_list(row.get("query_clicked_items__clicked_item_weights"))
    if len(items) != len(clicks):
        return RankedList()
    return RankedList(items, [float(n) for n in clicks])


SOURCE = SourceSpec(
    "query_clicked",
    "items that shoppers clicked after the same query",
    _search,
    {"search": 1.0},
    order=1,
)

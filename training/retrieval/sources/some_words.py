"""Items that match any word of the query, by how much of it they match."""

from training.retrieval.catalogue import RankedRows
from training.retrieval.sources.request import SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import LEXICAL


def _search(request: SourceRequest) -> RankedRows:
    return request.with_some_words


SOURCE = SourceSpec(
    "some_words",
    "items that match any word of the query, by how much of it they match",
    _search,
    {"search": 0.1},
    index=LEXICAL,
    is_partial_match=True,
    order=3,
)

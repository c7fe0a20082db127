"""Items that match the words of the query, by BM25."""

from training.retrieval.catalogue import RankedRows
from training.retrieval.sources.request import SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import LEXICAL


def _search(request: SourceRequest) -> RankedRows:
    return request.with_words


SOURCE = SourceSpec(
    "lexical",
    "items that match the words of the query, by BM25",
    _search,
    {"search": 1.0},
    index=LEXICAL,
    order=0,
)

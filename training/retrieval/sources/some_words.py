"""Items that match any word of the query."""

from training.retrieval.catalogue import RankedRows
from training.retrieval.indexes import MOST_HITS
from training.retrieval.sources.request import MOST_LOOKED_UP, SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import LEXICAL


def _search(request: SourceRequest) -> RankedRows:
    # Filters may exclude most of the best matches, so all matches have to be read.
    return request.words(1, MOST_HITS if request.filters else MOST_LOOKED_UP)[0]


SOURCE = SourceSpec(
    "some_words",
    "items that match any word of the query",
    _search,
    {"search": 0.1},
    index=LEXICAL,
    is_partial_match=True,
    order=3,
)

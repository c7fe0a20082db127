"""Items that resemble the best matches of a query, even without its words.

Pseudo-relevance feedback (Rocchio, 1971), with item-to-item neighbours in place of a new query.
"""

from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import Neighbours
from training.retrieval.sources.request import MOST_LOOKED_UP, SourceRequest
from training.retrieval.sources.similar import INDEX
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import DECAY, LEXICAL


def _search(request: SourceRequest) -> RankedList:
    seeds = request.best_matches
    neighbours: Neighbours = request.index(INDEX.kind)
    return neighbours.search(seeds, MOST_LOOKED_UP, [DECAY**n for n in range(len(seeds))])


SOURCE = SourceSpec(
    "resembling",
    "items whose texts and categories resemble the best matches of the query",
    _search,
    {"search": 1.0},
    index=INDEX,
    also_reads=(LEXICAL,),
    is_partial_match=True,
    order=10,
)

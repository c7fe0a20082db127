"""Relevance feedback: items similar to the first hits of a search, even without its words.

Pseudo-relevance feedback (Rocchio, 1971), with item-to-item neighbours in place of a new query.
"""

from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import Neighbours

FUSION_WEIGHTS = {"lexical": 1.0, "lsa": 0.5, "similar": 0.6}
"""Weights of the sources of a search by any of its words; chosen on the development queries of
`training.studies.retrieval.evaluation`.  On the test queries the fused result is not significantly
better than each source alone, so the service searches by words only."""

SEEDS = 10
"""Number of first hits that are assumed to be relevant."""


def similar_to_hits(hits: RankedList, similar: Neighbours, size: int) -> RankedList:
    """Return the first hits, then their similar items, weighted with the hits' scores."""
    seeds, scores = hits.item_ids[:SEEDS], hits.scores[:SEEDS]
    more = similar.search(seeds, max(size - len(seeds), 0), scores)
    return RankedList([*seeds, *more.item_ids], [*scores, *more.scores])

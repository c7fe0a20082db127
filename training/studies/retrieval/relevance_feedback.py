"""Items like the first hits of a search: what is wanted may be called otherwise.

Pseudo-relevance feedback (Rocchio, 1971), with item-to-item neighbours in place of a new query.
"""

from training.retrieval.catalogue import RankedList
from training.retrieval.indexes import Neighbours

FUSED = {"lexical": 1.0, "meaning": 0.5, "alike": 0.6}
"""Weights of the sources of a search by any of its words; chosen on the development queries of
`training.studies.retrieval.evaluation`.  On the others its result does not beat each source
alone by an interval, so that a search is served by words."""

SEEDS = 10
"""First hits that are taken to be right."""


def alike(hits: RankedList, similar: Neighbours, size: int) -> RankedList:
    """The first hits, then their neighbours by likeness weighted with the hits' scores."""
    seeds, scores = hits.item_ids[:SEEDS], hits.scores[:SEEDS]
    more = similar.search(seeds, max(size - len(seeds), 0), scores)
    return RankedList([*seeds, *more.item_ids], [*scores, *more.scores])

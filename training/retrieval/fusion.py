"""Several sources' candidates as one list: weighted reciprocal rank fusion.

Cormack, Clarke and Büttcher, SIGIR 2009: the score of an item is Σ weight / (k + rank).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from training.retrieval.found import Found

K = 60
"""Of the paper; how little the first ranks count more than the next."""


class Place(NamedTuple):
    """Where a source had an item: rank from 1, and score in the source's unit."""

    rank: int
    score: float


@dataclass(frozen=True)
class Candidates:
    """N items to be ranked, best first.

    Attributes:
        item_ids: each once.
        scores: N fused scores, falling.
        sources: by item id, where each source that knew the item had it.
    """

    item_ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    sources: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)

    def with_more(self, source: str, item_ids: Sequence[str]) -> "Candidates":
        """Also the items of a source that needs no rank; those that are there already stay."""
        more = [item for item in dict.fromkeys(item_ids) if item not in self.sources]
        if not more:
            return self
        return Candidates(
            [*self.item_ids, *more],
            [*self.scores, *(0.0 for _ in more)],
            {**self.sources, **{item: {source: Place(1, 0.0)} for item in more}},
        )


def fuse(found: Mapping[str, Found], weights: Mapping[str, float], size: int) -> Candidates:
    """The first `size` items of all sources together.

    Args:
        found: by source; equal fused scores keep the order in which items are first met.
        weights: by source; 1 where absent, and a source of weight 0 is left out.

    >>> told = fuse({"a": Found(["x", "y"], [2, 1]), "b": Found(["y"], [9])}, {}, 2)
    >>> told.item_ids, told.sources["y"]
    (['y', 'x'], {'a': Place(rank=2, score=1), 'b': Place(rank=1, score=9)})
    """
    counted = {name: one for name, one in found.items() if weights.get(name, 1.0) != 0}
    scores: dict[str, float] = {}
    for name, one in counted.items():
        weight = weights.get(name, 1.0)
        for rank, item in enumerate(one.item_ids, start=K + 1):
            scores[item] = scores.get(item, 0.0) + weight / rank
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:size]
    sources: dict[str, dict[str, Place]] = {item: {} for item in best}
    for name, one in counted.items():
        for rank, item in enumerate(one.item_ids, start=1):
            if item in sources:
                sources[item][name] = Place(rank, one.scores[rank - 1])
    return Candidates(best, [scores[i] for i in best], sources)

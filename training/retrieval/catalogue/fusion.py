"""Several sources' candidates as one list: weighted reciprocal rank fusion.

Cormack, Clarke and Büttcher, SIGIR 2009: the score of an item is Σ weight / (k + rank).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from training.retrieval.catalogue.ranked_list import RankedList, RankedRows

K = 60
"""Of the paper; how little the first ranks count more than the next."""

Place = tuple[int, float]
"""Where a source had an item: rank from 1, and score in the source's unit."""

Named = TypeVar("Named", str, int)


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
            {**self.sources, **{item: {source: (1, 0.0)} for item in more}},
        )


def fuse(found: Mapping[str, RankedList], weights: Mapping[str, float], size: int) -> Candidates:
    """The first `size` items of all sources together.

    Args:
        found: by source; equal fused scores keep the order in which items are first met.
        weights: by source; 1 where absent, and a source of weight 0 is left out.

    >>> told = fuse({"a": RankedList(["x", "y"], [2, 1]), "b": RankedList(["y"], [9])}, {}, 2)
    >>> told.item_ids, told.sources["y"]
    (['y', 'x'], {'a': (2, 1), 'b': (1, 9)})
    """
    lists = {name: (one.item_ids, one.scores) for name, one in found.items()}
    return Candidates(*_fused(lists, weights, size))


def fuse_rows(
    found: Mapping[str, RankedRows],
    item_ids: Sequence[str],
    weights: Mapping[str, float],
    size: int,
) -> Candidates:
    """The same of items told by their rows; `item_ids` are those of the assortment."""
    lists = {name: (one.rows.tolist(), one.scores.tolist()) for name, one in found.items()}
    rows, scores, sources = _fused(lists, weights, size)
    chosen = [item_ids[row] for row in rows]
    return Candidates(chosen, scores, dict(zip(chosen, sources.values(), strict=True)))


def _fused(
    lists: Mapping[str, tuple[Sequence[Named], Sequence[float]]],
    weights: Mapping[str, float],
    size: int,
) -> tuple[list[Named], list[float], dict[Named, dict[str, Place]]]:
    counted = {name: one for name, one in lists.items() if weights.get(name, 1.0) != 0}
    fused: dict[Named, float] = {}
    for name, (items, _) in counted.items():
        weight = weights.get(name, 1.0)
        for rank, item in enumerate(items, start=K + 1):
            fused[item] = fused.get(item, 0.0) + weight / rank
    best = sorted(fused, key=fused.__getitem__, reverse=True)[:size]
    sources: dict[Named, dict[str, Place]] = {item: {} for item in best}
    for name, (items, scores) in counted.items():
        for item, place in zip(items, enumerate(scores, start=1), strict=True):
            if item in sources:
                sources[item][name] = place
    return best, [fused[item] for item in best], sources

"""Merge the candidates of several sources: weighted reciprocal rank fusion.

Cormack, Clarke and Büttcher, SIGIR 2009: the score of an item is Σ weight / (k + rank).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from training.retrieval.catalogue.ranked_list import RankedList, RankedRows

K = 60
"""The constant of the paper: a larger one gives the first ranks less weight."""

RankAndScore = tuple[int, float]
"""Rank of an item in a source, from 1, and score in the source's unit."""

Named = TypeVar("Named", str, int)


@dataclass(frozen=True)
class Candidates:
    """N items to rank, best first.

    Attributes:
        item_ids: N ids, each once.
        scores: N fused scores, descending.
        sources: by item id and source, rank and score in the source.
    """

    item_ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    sources: Mapping[str, Mapping[str, RankAndScore]] = field(default_factory=dict)

    def with_more(self, source: str, item_ids: Sequence[str]) -> "Candidates":
        """Append the items of a source without ranks; skip items that are already present."""
        more = [item for item in dict.fromkeys(item_ids) if item not in self.sources]
        if not more:
            return self
        return Candidates(
            [*self.item_ids, *more],
            [*self.scores, *(0.0 for _ in more)],
            {**self.sources, **{item: {source: (1, 0.0)} for item in more}},
        )


def fuse(results: Mapping[str, RankedList], weights: Mapping[str, float], size: int) -> Candidates:
    """Return the first `size` items of all sources together.

    Args:
        results: by source; items with equal fused scores keep the order of the sources.
        weights: by source; 1 where absent, and a source of weight 0 is skipped.

    >>> fused = fuse({"a": RankedList(["x", "y"], [2, 1]), "b": RankedList(["y"], [9])}, {}, 2)
    >>> fused.item_ids, fused.sources["y"]
    (['y', 'x'], {'a': (2, 1), 'b': (1, 9)})
    """
    lists = {name: (one.item_ids, one.scores) for name, one in results.items()}
    return Candidates(*_fused(lists, weights, size))


def fuse_rows(
    results: Mapping[str, RankedRows],
    item_ids: Sequence[str],
    weights: Mapping[str, float],
    size: int,
) -> Candidates:
    """As `fuse`, for rows of the item table, whose ids are `item_ids`."""
    lists = {name: (one.rows.tolist(), one.scores.tolist()) for name, one in results.items()}
    rows, scores, sources = _fused(lists, weights, size)
    best_ids = [item_ids[row] for row in rows]
    return Candidates(best_ids, scores, dict(zip(best_ids, sources.values(), strict=True)))


def _fused(
    lists: Mapping[str, tuple[Sequence[Named], Sequence[float]]],
    weights: Mapping[str, float],
    size: int,
) -> tuple[list[Named], list[float], dict[Named, dict[str, RankAndScore]]]:
    counted = {name: one for name, one in lists.items() if weights.get(name, 1.0) != 0}
    fused: dict[Named, float] = {}
    for name, (items, _) in counted.items():
        weight = weights.get(name, 1.0)
        for rank, item in enumerate(items, start=K + 1):
            fused[item] = fused.get(item, 0.0) + weight / rank
    best = sorted(fused, key=fused.__getitem__, reverse=True)[:size]
    sources: dict[Named, dict[str, RankAndScore]] = {item: {} for item in best}
    for name, (items, scores) in counted.items():
        for item, pair in zip(items, enumerate(scores, start=1), strict=True):
            if item in sources:
                sources[item][name] = pair
    return best, [fused[item] for item in best], sources

"""Several sources' candidates as one list: weighted reciprocal rank fusion.

Cormack, Clarke and Büttcher, SIGIR 2009: the score of an item is Σ weight / (k + rank).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from training.retrieval.found import Found, Placed, Rows, highest

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
    """The first `size` items of all sources together; as `fuse_placed`.

    >>> told = fuse({"a": Found(["x", "y"], [2, 1]), "b": Found(["y"], [9])}, {}, 2)
    >>> told.item_ids, told.sources["y"]
    (['y', 'x'], {'a': Place(rank=2, score=1.0), 'b': Place(rank=1, score=9.0)})
    """
    met = list(dict.fromkeys(chain.from_iterable(one.item_ids for one in found.values())))
    row = {item: n for n, item in enumerate(met)}
    placed = {
        name: Placed(
            np.array([row[item] for item in one.item_ids], np.int64),
            np.array(one.scores, np.float64),
        )
        for name, one in found.items()
    }
    return fuse_placed(placed, met, weights, size)


def fuse_placed(
    found: Mapping[str, Placed],
    item_ids: Sequence[str],
    weights: Mapping[str, float],
    size: int,
) -> Candidates:
    """The first `size` items of all sources together.

    Args:
        found: by source; equal fused scores keep the order in which items are first met.
        item_ids: of the assortment.
        weights: by source; 1 where absent, and a source of weight 0 is left out.
    """
    counted = {name: one for name, one in found.items() if weights.get(name, 1.0) != 0}
    if not any(map(len, counted.values())):
        return Candidates()
    rows, first, met = np.unique(
        np.concatenate([one.rows for one in counted.values()]),
        return_index=True,
        return_inverse=True,
    )
    shares = [
        weights.get(n, 1.0) / np.arange(K + 1, K + 1 + len(one)) for n, one in counted.items()
    ]
    scores = np.bincount(met, np.concatenate(shares)).astype(np.float64, copy=False)
    in_order = np.argsort(first)
    best = in_order[highest(scores[in_order], size)]
    chosen = [item_ids[row] for row in rows[best].tolist()]
    return Candidates(
        chosen,
        scores[best].tolist(),
        dict(zip(chosen, _places(counted, met, best), strict=True)),
    )


def _places(found: Mapping[str, Placed], met: Rows, best: Rows) -> list[dict[str, Place]]:
    """Where each source had the best items; `met` numbers what the sources had, end to end."""
    number = np.full(int(met.max()) + 1, -1)
    number[best] = np.arange(best.size)
    places: list[dict[str, Place]] = [{} for _ in range(best.size)]
    ends = np.cumsum([len(one) for one in found.values()])[:-1]
    for (name, one), numbers in zip(found.items(), np.split(number[met], ends), strict=True):
        ranks = np.flatnonzero(numbers >= 0)
        told = zip(
            numbers[ranks].tolist(), (ranks + 1).tolist(), one.scores[ranks].tolist(), strict=True
        )
        for n, rank, score in told:
            places[n][name] = Place(rank, score)
    return places

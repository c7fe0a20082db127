"""Diversity of a slate: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop

DEPTH = 60
"""Places that are chosen for diversity; below, nobody compares."""


def diversified(
    order: Sequence[int], facts: RequestContext, shop: Shop, weight: float
) -> list[int]:
    """The same places, with those like the ones above them held back.

    Args:
        order: places among the N candidates, best first.
        weight: 0 keeps the order, 1 looks at likeness alone.
    """
    top = list(order[:DEPTH])
    if weight == 0 or len(top) < 3:
        return list(order)
    likeness = _likeness(facts.select(top), shop)
    relevance = 1.0 / np.sqrt(1.0 + np.arange(len(top)))
    chosen: list[int] = []
    nearest = np.zeros(len(top))
    open_ = np.ones(len(top), dtype=np.bool_)
    for _ in top:
        gain = np.where(open_, (1 - weight) * relevance - weight * nearest, -np.inf)
        best = int(np.argmax(gain))
        chosen.append(best)
        open_[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return [top[n] for n in chosen] + list(order[DEPTH:])


def _likeness(facts: RequestContext, shop: Shop) -> npt.NDArray[np.float64]:
    """Shape (M, M): mean over the category and list fields of the cosine of their values."""
    size = len(facts.item_ids)
    fields = shop.taste_fields
    total = np.zeros((size, size))
    for field in fields:
        values = facts.item_values(f"item_attributes__{field.column}")
        has = np.zeros((size, max(len(values.distinct), 1)))
        has[np.repeat(np.arange(size), values.sizes), values.codes] = 1
        lengths = np.sqrt(has.sum(axis=1, keepdims=True))
        has /= np.where(lengths > 0, lengths, 1)
        total += has @ has.T
    return total / max(len(fields), 1)

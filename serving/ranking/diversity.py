"""Diversity of a slate: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop

DEPTH = 60
"""Slots that are diversified; the order below them stays."""


def diversify(
    order: Sequence[int], context: RequestContext, shop: Shop, weight: float
) -> list[int]:
    """Move items down that are similar to items above them.

    Args:
        order: positions among the N candidates, best first.
        weight: of the similarity; 0 leaves the order unchanged, 1 ignores relevance.
    """
    top = list(order[:DEPTH])
    if weight == 0 or len(top) < 3:
        return list(order)
    similarity = _similarity(context.select(top), shop)
    relevance = 1.0 / np.sqrt(1.0 + np.arange(len(top)))
    selected: list[int] = []
    # Similarity of each item to the most similar one selected so far.
    redundancy = np.zeros(len(top))
    is_open = np.ones(len(top), dtype=np.bool_)
    for _ in top:
        gain = np.where(is_open, (1 - weight) * relevance - weight * redundancy, -np.inf)
        best = int(np.argmax(gain))
        selected.append(best)
        is_open[best] = False
        redundancy = np.maximum(redundancy, similarity[best])
    return [top[n] for n in selected] + list(order[DEPTH:])


def _similarity(context: RequestContext, shop: Shop) -> npt.NDArray[np.float64]:
    """Return, of shape (M, M), the mean cosine of the items' category and list fields."""
    size = len(context.item_ids)
    fields = shop.taste_fields
    total = np.zeros((size, size))
    for field in fields:
        values = context.item_values(f"item_attributes__{field.column}")
        indicators = np.zeros((size, max(len(values.distinct), 1)))
        indicators[np.repeat(np.arange(size), values.sizes), values.codes] = 1
        norms = np.sqrt(indicators.sum(axis=1, keepdims=True))
        indicators /= np.where(norms > 0, norms, 1)
        total += indicators @ indicators.T
    return total / max(len(fields), 1)

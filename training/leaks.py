"""Columns that know too much: one feature that alone puts almost every slate in its best order.

Shoppers are not that predictable.  Such a column was computed from what happened afterwards.
"""

import numpy as np

from training.dataset import Dataset
from training.metrics import ndcg

SUSPICIOUS_NDCG = 0.97
FEWEST_SLATES = 30
"""With fewer, a good column may be lucky."""


def suspects(data: Dataset) -> dict[str, float]:
    """Feature → its ndcg@10 alone, up or down, where that is too good to be true."""
    gain, qid = data.column("gain"), data.column("qid")
    if np.unique(qid[gain > 0]).size < FEWEST_SLATES:
        return {}
    found = {}
    for name in data.facts.columns:
        values = data.column(name)
        best = max(float(np.nanmean(ndcg(sign * values, gain, qid))) for sign in (1, -1))
        if best > SUSPICIOUS_NDCG:
            found[name] = best
    return found

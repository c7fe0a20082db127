"""Ranking metrics, bootstrap intervals and seeded random streams."""

from training.metrics.as_of_sum import AsOfSum
from training.metrics.bootstrap import Interval, mean_interval, mean_intervals
from training.metrics.metrics import (
    CONVENTIONS,
    Floats,
    Metric,
    Slates,
    ndcg,
    slate_starts,
)
from training.metrics.plackett_luce import gumbel, gumbel_top_k, item_numbers
from training.metrics.random_streams import Bools, Ints, Seeds, noise, stream

__all__ = [
    "CONVENTIONS",
    "AsOfSum",
    "Bools",
    "Floats",
    "Interval",
    "Ints",
    "Metric",
    "Seeds",
    "Slates",
    "gumbel",
    "gumbel_top_k",
    "item_numbers",
    "mean_interval",
    "mean_intervals",
    "ndcg",
    "noise",
    "slate_starts",
    "stream",
]

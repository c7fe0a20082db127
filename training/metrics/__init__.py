"""Ranking metrics, bootstrap intervals, seeded random streams and reproducible arithmetic."""

from training.metrics.as_of_sum import AsOfSum
from training.metrics.bootstrap import (
    LEAST_CLUSTERS,
    Interval,
    mean_interval,
    mean_intervals,
    slice_interval,
    slice_intervals,
    times_drawn,
    without_nan,
)
from training.metrics.metrics import (
    CONVENTIONS,
    Floats,
    Metric,
    Slates,
    ndcg,
    slate_starts,
)
from training.metrics.ordering import highest_columns, highest_entries
from training.metrics.plackett_luce import gumbel, gumbel_top_k, item_numbers
from training.metrics.population_stability import bucket_counts, bucket_edges, stability_index
from training.metrics.random_streams import Bools, Ints, Seeds, noise, stream
from training.metrics.reproducible_math import exp, exp2, log, log2
from training.metrics.spread import FEWEST_TRAININGS, check_trainings, spread_of
from training.metrics.truncated_svd import left_singular_vectors

__all__ = [
    "CONVENTIONS",
    "FEWEST_TRAININGS",
    "LEAST_CLUSTERS",
    "AsOfSum",
    "Bools",
    "Floats",
    "Interval",
    "Ints",
    "Metric",
    "Seeds",
    "Slates",
    "bucket_counts",
    "bucket_edges",
    "check_trainings",
    "exp",
    "exp2",
    "gumbel",
    "gumbel_top_k",
    "highest_columns",
    "highest_entries",
    "item_numbers",
    "left_singular_vectors",
    "log",
    "log2",
    "mean_interval",
    "mean_intervals",
    "ndcg",
    "noise",
    "slate_starts",
    "slice_interval",
    "slice_intervals",
    "spread_of",
    "stability_index",
    "stream",
    "times_drawn",
    "without_nan",
]

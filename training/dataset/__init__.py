"""Datasets for training: labels joined with point-in-time features."""

from training.dataset.build import Dataset, Progress, build_dataset, missing_for_ranker
from training.dataset.format import Facts, damage_of
from training.dataset.gains import DEFAULT_GAINS, Gains, parse_gains
from training.dataset.labels import (
    bots_to_skip,
    compacted,
    item_counts,
    labelled_rankings,
)
from training.dataset.lazy import LazyDataset
from training.dataset.logged_candidates import sources_of
from training.dataset.point_in_time import historical_features
from training.dataset.slices import slices_of
from training.dataset.split import TEST, TRAIN, VALIDATE, VALIDATE_SHARE, time_split_bounds
from training.dataset.stale_datasets import datasets_with, stale_datasets
from training.dataset.sufficiency import LEAST_USERS, check_sufficiency
from training.dataset.target_leakage import (
    SUSPICIOUS_AUC,
    check_target_leakage,
    suspicious_columns,
)

__all__ = [
    "DEFAULT_GAINS",
    "LEAST_USERS",
    "SUSPICIOUS_AUC",
    "TEST",
    "TRAIN",
    "VALIDATE",
    "VALIDATE_SHARE",
    "Dataset",
    "Facts",
    "Gains",
    "LazyDataset",
    "Progress",
    "bots_to_skip",
    "build_dataset",
    "check_sufficiency",
    "check_target_leakage",
    "compacted",
    "damage_of",
    "datasets_with",
    "historical_features",
    "item_counts",
    "labelled_rankings",
    "missing_for_ranker",
    "parse_gains",
    "slices_of",
    "sources_of",
    "stale_datasets",
    "suspicious_columns",
    "time_split_bounds",
]

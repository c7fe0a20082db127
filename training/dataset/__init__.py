"""Training rows: labels joined with features as they were known."""

from training.dataset.build import FEATURE_SERVICE, Dataset, Progress, build_dataset
from training.dataset.format import Facts
from training.dataset.gains import USUAL, Gains, parse_gains
from training.dataset.judgments import judgments
from training.dataset.labels import compacted, item_counts, labelled_rankings
from training.dataset.lazy import StoredDataset
from training.dataset.logged_candidates import found_by
from training.dataset.point_in_time import known_facts
from training.dataset.split import TEST, TEST_SHARE, TRAIN, VALIDATE, VALIDATE_SHARE
from training.dataset.stale_datasets import stale_datasets
from training.dataset.target_leaks import refuse_leaks, suspects

__all__ = [
    "FEATURE_SERVICE",
    "TEST",
    "TEST_SHARE",
    "TRAIN",
    "USUAL",
    "VALIDATE",
    "VALIDATE_SHARE",
    "Dataset",
    "Facts",
    "Gains",
    "Progress",
    "StoredDataset",
    "build_dataset",
    "compacted",
    "found_by",
    "item_counts",
    "judgments",
    "known_facts",
    "labelled_rankings",
    "parse_gains",
    "refuse_leaks",
    "stale_datasets",
    "suspects",
]

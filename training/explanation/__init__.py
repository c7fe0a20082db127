"""Explanations: contributions to a score, reasons in words, and moves between two slates."""

from training.explanation.explanation import (
    Explanation,
    explain,
    recorded_matrix,
    slate_of_dataset,
    slate_of_log,
)
from training.explanation.moves import ExplainedSlate, Move, moves_between
from training.explanation.reasons import phrase

__all__ = [
    "ExplainedSlate",
    "Explanation",
    "Move",
    "explain",
    "moves_between",
    "phrase",
    "recorded_matrix",
    "slate_of_dataset",
    "slate_of_log",
]

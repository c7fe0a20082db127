"""Retrieval experiments: evaluation, LSA, and relevance feedback."""

from training.studies.retrieval.evaluation import evaluate, print_evaluation

__all__ = [
    "evaluate",
    "print_evaluation",
]

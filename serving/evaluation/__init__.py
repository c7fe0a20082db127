"""Retrieval measured through the code that serves it."""

from serving.evaluation.purchase_evaluation import evaluate_purchases
from serving.evaluation.retrieval_evaluation import evaluate_retrieval

__all__ = [
    "evaluate_purchases",
    "evaluate_retrieval",
]

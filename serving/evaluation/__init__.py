"""Retrieval measured through the code that serves it."""

from serving.evaluation.purchase_evaluation import evaluate_purchases
from serving.evaluation.retrieval_evaluation import evaluate_retrieval
from serving.evaluation.served_search import served_search

__all__ = [
    "evaluate_purchases",
    "evaluate_retrieval",
    "served_search",
]

"""Retrieval and policies measured through the code that serves them."""

from serving.evaluation.offline_policy import evaluate_policy
from serving.evaluation.purchase_evaluation import evaluate_purchases
from serving.evaluation.retrieval_evaluation import evaluate_retrieval
from serving.evaluation.served_search import served_search

__all__ = [
    "evaluate_policy",
    "evaluate_purchases",
    "evaluate_retrieval",
    "served_search",
]

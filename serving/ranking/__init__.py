"""Scores, reranking, diversity, exploration: the slate."""

from serving.ranking.reranking import active_rules, pins, rerank, sellable_positions
from serving.ranking.scoring import score_by_popularity, score_by_ranker, score_by_retrieval
from serving.ranking.slate import Scored, Slate, drop_deleted, order_by_score

__all__ = [
    "Scored",
    "Slate",
    "active_rules",
    "drop_deleted",
    "order_by_score",
    "pins",
    "rerank",
    "score_by_popularity",
    "score_by_ranker",
    "score_by_retrieval",
    "sellable_positions",
]

"""Scores, reranking, diversity, exploration: the slate."""

from serving.ranking.reranking import arranged, pins, rules_of, sellable_places
from serving.ranking.scoring import by_popularity, by_ranker, by_retrieval
from serving.ranking.slate import Scored, Slate, rerank, without_deleted

__all__ = [
    "Scored",
    "Slate",
    "arranged",
    "by_popularity",
    "by_ranker",
    "by_retrieval",
    "pins",
    "rerank",
    "rules_of",
    "sellable_places",
    "without_deleted",
]

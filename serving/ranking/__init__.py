"""Scores, reranking, exploration and pages: from candidates to a slate."""

from serving.ranking.eligibility import active_rules, drop_deleted, sellable_positions
from serving.ranking.exploration import Explored, explore
from serving.ranking.following import with_following
from serving.ranking.reranking import pinned_items, rerank_by_rules
from serving.ranking.scoring import (
    blended_order,
    score_by_popularity,
    score_by_ranker,
    score_by_retrieval,
)
from serving.ranking.slate import Scored, Slate, cut_page, list_seed, order_by_score

__all__ = [
    "Explored",
    "Scored",
    "Slate",
    "active_rules",
    "blended_order",
    "cut_page",
    "drop_deleted",
    "explore",
    "list_seed",
    "order_by_score",
    "pinned_items",
    "rerank_by_rules",
    "score_by_popularity",
    "score_by_ranker",
    "score_by_retrieval",
    "sellable_positions",
    "with_following",
]

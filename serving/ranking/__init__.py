"""Scores, reranking, exploration and pages: from candidates to a slate."""

from serving.ranking.eligibility import active_rules, drop_deleted, sellable_positions
from serving.ranking.exploration import Draw, Explored, explore
from serving.ranking.following import with_following
from serving.ranking.reranking import (
    order_by_rules,
    pin_items,
    pinned_items,
    pinned_slots,
)
from serving.ranking.scoring import (
    blended_order,
    score_by_popularity,
    score_by_ranker,
    score_by_retrieval,
)
from serving.ranking.slate import (
    Scored,
    Slate,
    cut_page,
    draft_seed,
    list_seed,
    order_by_score,
)

__all__ = [
    "Draw",
    "Explored",
    "Scored",
    "Slate",
    "active_rules",
    "blended_order",
    "cut_page",
    "draft_seed",
    "drop_deleted",
    "explore",
    "list_seed",
    "order_by_rules",
    "order_by_score",
    "pin_items",
    "pinned_items",
    "pinned_slots",
    "score_by_popularity",
    "score_by_ranker",
    "score_by_retrieval",
    "sellable_positions",
    "with_following",
]

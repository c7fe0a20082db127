"""Scores of candidates: by the ranker where features were read, else by retrieval or popularity."""

from collections.abc import Sequence

import numpy as np

from feature_repo.request_features import feature_matrix
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.ranking.slate import Scored
from serving.state import LoadedArtifact, Model
from training.ranker import Ranker
from training.retrieval.catalogue import Candidates, K


def score_by_ranker(loaded: LoadedArtifact, context: RequestContext, shop: Shop) -> Scored:
    """Score by the ranker, with the feature functions that made its training data."""
    ranker: Ranker = loaded.value
    service = ranker.feature_service
    matrix = feature_matrix(context, shop, ranker.prior, service)
    scores = ranker.apply(matrix).astype(np.float64)
    return Scored(context.item_ids, scores, loaded.version, service, ranker.columns, matrix)


def score_by_popularity(model: Model, item_ids: Sequence[str]) -> Scored:
    """Score by the popularity snapshot, whose version is `popularity/…`.

    Without a snapshot all scores are equal and the order stays.
    """
    if model.popularity is None:
        return Scored(item_ids, np.zeros(len(item_ids)))
    scores = model.popularity.value.apply(item_ids)
    return Scored(item_ids, scores, f"popularity/{model.popularity.version}")


def score_by_retrieval(candidates: Candidates, item_ids: Sequence[str]) -> Scored:
    """Score by the fused ranks of the candidate sources."""
    fused = dict(zip(candidates.item_ids, candidates.scores, strict=True))
    return Scored(item_ids, np.array([fused[item] for item in item_ids], np.float64))


def blended_order(scored: Scored, candidates: Candidates, ranker_weight: float) -> list[int]:
    """Return the positions of the scored items, best first by score and retrieval rank together.

    Both ranks are fused by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009).

    Args:
        scored: the candidates that may be shown.
        candidates: all candidates, in the order of retrieval.
        ranker_weight: weight of the scores, 0 to 1; the rest is retrieval's.
    """
    by_score = np.argsort(-scored.scores, kind="stable")
    if ranker_weight >= 1:
        best_first: list[int] = by_score.tolist()
        return best_first
    row = {item: n for n, item in enumerate(candidates.item_ids)}
    retrieval_rank = np.array([row.get(item, len(row)) for item in scored.item_ids])
    score_rank = np.empty(len(scored.item_ids))
    score_rank[by_score] = np.arange(score_rank.size)
    blended = ranker_weight / (K + 1 + score_rank) + (1 - ranker_weight) / (K + 1 + retrieval_rank)
    order: list[int] = np.argsort(-blended, kind="stable").tolist()
    return order

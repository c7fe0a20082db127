"""Scores of candidates: by the ranker where features are there, else by what found them."""

from collections.abc import Sequence

import numpy as np

from feature_repo.request_features import feature_matrix
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.ranking.slate import Scored
from serving.state import LoadedArtifact, Model
from training.ranker import Ranker
from training.retrieval.catalogue import Candidates


def score_by_ranker(loaded: LoadedArtifact, facts: RequestContext, shop: Shop) -> Scored:
    """Score by the ranker, from the same functions that made its training data."""
    ranker: Ranker = loaded.value
    matrix = feature_matrix(facts, shop, ranker.prior)
    scores = ranker.apply(matrix).astype(np.float64)
    service = loaded.manifest.feature_service.get("name")
    return Scored(facts.item_ids, scores, loaded.version, service, ranker.columns, matrix)


def score_by_popularity(model: Model, item_ids: Sequence[str]) -> Scored:
    """Score by the snapshot in memory; without one all are equal, which keeps the order given."""
    if model.popularity is None:
        return Scored(item_ids, np.zeros(len(item_ids)))
    scores = model.popularity.value.apply(item_ids)
    return Scored(item_ids, scores, model.popularity.version)


def score_by_retrieval(candidates: Candidates, item_ids: Sequence[str]) -> Scored:
    """Score by the sources' fused ranks."""
    fused = dict(zip(candidates.item_ids, candidates.scores, strict=True))
    return Scored(item_ids, np.array([fused[item] for item in item_ids], np.float64))

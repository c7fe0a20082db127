"""The offline store as Feast loads it."""

from feature_repo.offline.feast.point_in_time import features_at

__all__ = [
    "features_at",
]

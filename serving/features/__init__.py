"""Online features of a request, read from Redis."""

from serving.features.online_features import OnlineFeatures
from serving.features.redis_connection import open_online_features

__all__ = [
    "OnlineFeatures",
    "open_online_features",
]

"""Online features of a request, read from Redis."""

from serving.features.online_features import OnlineFeatures
from serving.features.redis_connection import RedisConnection

__all__ = [
    "OnlineFeatures",
    "RedisConnection",
]

"""The steps of the platform: paths in, paths out."""

from pipelines.steps import refresh, steps
from pipelines.steps.home_redis import home_redis
from pipelines.steps.steps import MODEL

__all__ = [
    "MODEL",
    "home_redis",
    "refresh",
    "steps",
]

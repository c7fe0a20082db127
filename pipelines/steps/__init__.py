"""The steps of the platform: paths in, paths out."""

from pipelines.steps import steps
from pipelines.steps.home_redis import home_redis
from pipelines.steps.refresh import every, parse_period, refresh
from pipelines.steps.steps import MODEL

__all__ = [
    "MODEL",
    "every",
    "home_redis",
    "parse_period",
    "refresh",
    "steps",
]

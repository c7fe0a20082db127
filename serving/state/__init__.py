"""Files the service follows: models, deleted items, and other artifacts."""

from serving.state.deleted_items import Withdrawn
from serving.state.model_registry import (
    DEFAULT_MODEL,
    POPULARITY,
    RANKER,
    Loaded,
    Model,
    ModelShelf,
)
from serving.state.watched_file import FollowedFile

__all__ = [
    "DEFAULT_MODEL",
    "POPULARITY",
    "RANKER",
    "FollowedFile",
    "Loaded",
    "Model",
    "ModelShelf",
    "Withdrawn",
]

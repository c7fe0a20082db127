"""In-memory state, reloaded when it changes: artifacts, configuration files, deleted items."""

from serving.state.deleted_items import DeletedItems
from serving.state.live_indexes import LiveIndexes
from serving.state.model_registry import (
    DEFAULT_MODEL,
    LoadedArtifact,
    Model,
    ModelRegistry,
)
from serving.state.watched_file import WatchedFile

__all__ = [
    "DEFAULT_MODEL",
    "DeletedItems",
    "LiveIndexes",
    "LoadedArtifact",
    "Model",
    "ModelRegistry",
    "WatchedFile",
]

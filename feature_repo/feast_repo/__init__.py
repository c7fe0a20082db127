"""The Feast repository of a home: its configuration, registry and objects."""

from feature_repo.feast_repo import repository
from feature_repo.feast_repo.repository import (
    apply,
    loaded_key,
    open_store,
    refreshed_key,
    registered_views,
    render,
)

__all__ = [
    "apply",
    "loaded_key",
    "open_store",
    "refreshed_key",
    "registered_views",
    "render",
    "repository",
]

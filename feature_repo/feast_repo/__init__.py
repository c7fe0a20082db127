"""The Feast repository of a home: its configuration, registry and objects."""

from feature_repo.feast_repo import repository
from feature_repo.feast_repo.repository import (
    apply,
    clear_online,
    loaded_key,
    materialize,
    open_store,
    render,
)

__all__ = [
    "apply",
    "clear_online",
    "loaded_key",
    "materialize",
    "open_store",
    "render",
    "repository",
]

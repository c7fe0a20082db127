"""Learned artifacts: a folder with a manifest, published by an atomic pointer."""

from training.artifacts.artifact import (
    POPULARITY,
    RANKER,
    Manifest,
    current,
    is_published,
    prune,
    publish,
    sha256,
    verify,
)
from training.artifacts.versions import (
    CURRENT,
    Version,
    find_version,
    former_version,
    list_versions,
    model_names,
    promote,
    publish_version,
    read_history,
    retire,
    roll_back,
)

__all__ = [
    "CURRENT",
    "POPULARITY",
    "RANKER",
    "Manifest",
    "Version",
    "current",
    "find_version",
    "former_version",
    "is_published",
    "list_versions",
    "model_names",
    "promote",
    "prune",
    "publish",
    "publish_version",
    "read_history",
    "retire",
    "roll_back",
    "sha256",
    "verify",
]

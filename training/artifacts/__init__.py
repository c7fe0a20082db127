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

__all__ = [
    "POPULARITY",
    "RANKER",
    "Manifest",
    "current",
    "is_published",
    "prune",
    "publish",
    "sha256",
    "verify",
]

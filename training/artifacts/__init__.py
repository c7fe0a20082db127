"""Learned artifacts: a folder with a manifest, published by an atomic pointer."""

from training.artifacts.artifact import Manifest, current, prune, publish, sha256, verify
from training.artifacts.popularity import Popularity

__all__ = [
    "Manifest",
    "Popularity",
    "current",
    "prune",
    "publish",
    "sha256",
    "verify",
]

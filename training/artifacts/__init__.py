"""Learned artifacts: a folder with a manifest, published by an atomic pointer."""

from training.artifacts.artifact import Manifest, current, prune, publish, sha256, verify

__all__ = [
    "Manifest",
    "current",
    "prune",
    "publish",
    "sha256",
    "verify",
]

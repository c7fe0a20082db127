"""Candidate sources: one declaration each, from which indexes, loading and surfaces follow."""

from training.retrieval.sources.publish import are_current, publish_indexes
from training.retrieval.sources.registry import Surface, index_specs, source_specs, surfaces
from training.retrieval.sources.request import SourceMissingError, SourceRequest

__all__ = [
    "SourceMissingError",
    "SourceRequest",
    "Surface",
    "are_current",
    "index_specs",
    "publish_indexes",
    "source_specs",
    "surfaces",
]

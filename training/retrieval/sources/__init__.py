"""Candidate sources: each declares its index, its search and the surfaces it feeds."""

from training.retrieval.sources.catalogue_indexes import fit_spelling
from training.retrieval.sources.publish import ITEM_PART, are_current, publish_indexes
from training.retrieval.sources.registry import Surface, index_specs, source_specs, surfaces
from training.retrieval.sources.request import SourceMissingError, SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import search_top_list, top_lists_index

__all__ = [
    "ITEM_PART",
    "SourceMissingError",
    "SourceRequest",
    "SourceSpec",
    "Surface",
    "are_current",
    "fit_spelling",
    "index_specs",
    "publish_indexes",
    "search_top_list",
    "source_specs",
    "surfaces",
    "top_lists_index",
]

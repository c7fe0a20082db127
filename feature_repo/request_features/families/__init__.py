"""Families of request-time features, one module each, all of one shape."""

from feature_repo.request_features.families.ages import age_seconds
from feature_repo.request_features.families.block import Block, Columns
from feature_repo.request_features.families.checks import checked_blocks
from feature_repo.request_features.families.listed import split
from feature_repo.request_features.families.registry import (
    BUILT_IN,
    Family,
    families_of,
    installed_families,
)
from feature_repo.request_features.families.sources import (
    FOLLOWING,
    SOURCE_EXTENSIONS,
    SOURCES,
    source_names,
)
from feature_repo.request_features.families.text_match import matches

__all__ = [
    "BUILT_IN",
    "FOLLOWING",
    "SOURCES",
    "SOURCE_EXTENSIONS",
    "Block",
    "Columns",
    "Family",
    "age_seconds",
    "checked_blocks",
    "families_of",
    "installed_families",
    "matches",
    "source_names",
    "split",
]

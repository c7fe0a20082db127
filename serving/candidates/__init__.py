"""Candidate sources and their merge."""

from serving.candidates.candidate_generation import (
    DEPTH,
    Retrieved,
    find,
    in_order,
    in_popularity,
    merge,
)

__all__ = [
    "DEPTH",
    "Retrieved",
    "find",
    "in_order",
    "in_popularity",
    "merge",
]

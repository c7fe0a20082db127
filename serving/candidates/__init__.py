"""Candidate sources and their merge."""

from serving.candidates.candidate_generation import DEPTH, Retrieval, retrieve_candidates
from serving.candidates.merging import continued_candidates, merge, popular_candidates

__all__ = [
    "DEPTH",
    "Retrieval",
    "continued_candidates",
    "merge",
    "popular_candidates",
    "retrieve_candidates",
]

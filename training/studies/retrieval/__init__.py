"""Retrieval experiments: evaluation, LSA, relevance feedback, and proposals of synonyms."""

from training.studies.retrieval.evaluation import evaluate, print_evaluation
from training.studies.retrieval.synonym_proposals import propose_synonyms

__all__ = [
    "evaluate",
    "print_evaluation",
    "propose_synonyms",
]

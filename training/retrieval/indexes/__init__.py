"""Indexes of candidates. Each is an artifact: `fit`, `save`, `load`, `search`."""

from training.retrieval.indexes.build import (
    ASSORTMENT,
    COMPLETIONS,
    LEXICAL,
    NEWEST,
    POPULAR,
    SIMILAR,
    TOGETHER,
    TRENDING,
    UNDERSTANDING,
    are_current,
    publish_indices,
)
from training.retrieval.indexes.charts import Charts
from training.retrieval.indexes.completions import Completions
from training.retrieval.indexes.cooccurrence import VisitPairs
from training.retrieval.indexes.dated import Dated
from training.retrieval.indexes.embeddings import KIND, Embeddings, Vectors
from training.retrieval.indexes.item_to_item import fit_similar
from training.retrieval.indexes.lexical import MOST_HITS, Lexical, Matches
from training.retrieval.indexes.neighbours import Neighbours

__all__ = [
    "ASSORTMENT",
    "COMPLETIONS",
    "KIND",
    "LEXICAL",
    "MOST_HITS",
    "NEWEST",
    "POPULAR",
    "SIMILAR",
    "TOGETHER",
    "TRENDING",
    "UNDERSTANDING",
    "Charts",
    "Completions",
    "Dated",
    "Embeddings",
    "Lexical",
    "Matches",
    "Neighbours",
    "Vectors",
    "VisitPairs",
    "are_current",
    "fit_similar",
    "publish_indices",
]

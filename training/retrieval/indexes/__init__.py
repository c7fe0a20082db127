"""Indexes of candidates. Each is an artifact: `fit`, `save`, `load`, `search`."""

from training.retrieval.indexes.build import (
    COMPLETIONS,
    ITEM_TABLE,
    LEXICAL,
    NEWEST,
    POPULAR,
    SIMILAR,
    TOGETHER,
    TRENDING,
    UNDERSTANDING,
    are_current,
    publish_indexes,
)
from training.retrieval.indexes.charts import TopLists
from training.retrieval.indexes.completions import Completions
from training.retrieval.indexes.cooccurrence import Cooccurrences
from training.retrieval.indexes.dated import DatedArtifacts
from training.retrieval.indexes.embeddings import KIND, Embeddings, Vectors
from training.retrieval.indexes.item_to_item import fit_similar
from training.retrieval.indexes.lexical import MOST_HITS, Lexical, Matches
from training.retrieval.indexes.neighbours import Neighbours

__all__ = [
    "COMPLETIONS",
    "ITEM_TABLE",
    "KIND",
    "LEXICAL",
    "MOST_HITS",
    "NEWEST",
    "POPULAR",
    "SIMILAR",
    "TOGETHER",
    "TRENDING",
    "UNDERSTANDING",
    "Completions",
    "Cooccurrences",
    "DatedArtifacts",
    "Embeddings",
    "Lexical",
    "Matches",
    "Neighbours",
    "TopLists",
    "Vectors",
    "are_current",
    "fit_similar",
    "publish_indexes",
]

"""Indexes of candidates.  Each is an artifact: `fit`, `save`, `load`, `search`."""

from training.retrieval.indexes.actions import read_actions
from training.retrieval.indexes.completions import LEAST_SHOPPERS, Completions, Phrase
from training.retrieval.indexes.covisitation import fit_together
from training.retrieval.indexes.item_texts import (
    TEXT_TYPES,
    has_title,
    item_texts,
    text_choices,
    text_of,
    typed_codes,
)
from training.retrieval.indexes.item_to_item import fit_similar
from training.retrieval.indexes.kinds import COMPLETIONS, ITEM_TABLE, LEXICAL, NEWEST, UNDERSTANDING
from training.retrieval.indexes.lexical import Lexical
from training.retrieval.indexes.lexical_indexes import LexicalIndexes
from training.retrieval.indexes.matches import MOST_CONCEPTS, Matches
from training.retrieval.indexes.neighbours import Neighbours
from training.retrieval.indexes.newest import Newest
from training.retrieval.indexes.popularity import Popularity
from training.retrieval.indexes.top_lists import TopLists

__all__ = [
    "COMPLETIONS",
    "ITEM_TABLE",
    "LEAST_SHOPPERS",
    "LEXICAL",
    "MOST_CONCEPTS",
    "NEWEST",
    "TEXT_TYPES",
    "UNDERSTANDING",
    "Completions",
    "Lexical",
    "LexicalIndexes",
    "Matches",
    "Neighbours",
    "Newest",
    "Phrase",
    "Popularity",
    "TopLists",
    "fit_similar",
    "fit_together",
    "has_title",
    "item_texts",
    "read_actions",
    "text_choices",
    "text_of",
    "typed_codes",
]

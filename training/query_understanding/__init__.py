"""Query understanding: words, spelling, operators, price limits, synonyms, category and brand."""

from training.query_understanding.concepts import Alternative, Concept
from training.query_understanding.intent import Intent
from training.query_understanding.interpreted_query import InterpretedQuery
from training.query_understanding.operators import without_negations
from training.query_understanding.spelling import Spelling
from training.query_understanding.synonyms import FILE as SYNONYMS_FILE
from training.query_understanding.synonyms import Synonyms
from training.query_understanding.understanding import INTENTS, Understanding
from training.query_understanding.words import indexed_words, stem, stems, words

__all__ = [
    "INTENTS",
    "SYNONYMS_FILE",
    "Alternative",
    "Concept",
    "Intent",
    "InterpretedQuery",
    "Spelling",
    "Synonyms",
    "Understanding",
    "indexed_words",
    "stem",
    "stems",
    "without_negations",
    "words",
]

"""Query understanding: words, spelling, price limits, category and brand."""

from training.query_understanding.intent import Intent
from training.query_understanding.spelling import Spelling
from training.query_understanding.understanding import INTENTS, InterpretedQuery, Understanding
from training.query_understanding.words import DEFAULT_LANGUAGE, language_of, stem, stems, words

__all__ = [
    "DEFAULT_LANGUAGE",
    "INTENTS",
    "Intent",
    "InterpretedQuery",
    "Spelling",
    "Understanding",
    "language_of",
    "stem",
    "stems",
    "words",
]

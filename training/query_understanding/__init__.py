"""What a shopper means by a query: its words, their spelling, price limits, category and brand."""

from training.query_understanding.intent import Intent
from training.query_understanding.spelling import Spelling
from training.query_understanding.understanding import INTENTS, Understanding, Understood
from training.query_understanding.words import DEFAULT_LANGUAGE, language_of, stem, stems, words

__all__ = [
    "DEFAULT_LANGUAGE",
    "INTENTS",
    "Intent",
    "Spelling",
    "Understanding",
    "Understood",
    "language_of",
    "stem",
    "stems",
    "words",
]

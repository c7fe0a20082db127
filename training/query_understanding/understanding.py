"""Interpret a query, without changing its key in the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.query_understanding.intent import Intent
from training.query_understanding.price_words import read_price_limits
from training.query_understanding.spelling import Spelling
from training.query_understanding.words import language_of, words

INTENTS = ("category", "brand")
MOST_WORDS = 32


@dataclass(frozen=True)
class InterpretedQuery:
    """The interpretation of a query.

    Attributes:
        words: the words to search for, folded and corrected.
        language: language of the stemmer.
        corrected: by typed word, its correction.
        intents: category and brand that the query implies, each with its share of clicks.
        price_low, price_high: price limits in words.
    """

    words: tuple[str, ...] = ()
    language: str = "english"
    corrected: Mapping[str, str] = field(default_factory=dict)
    intents: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    price_low: float | None = None
    price_high: float | None = None

    @property
    def has_price(self) -> bool:
        """Whether the words limit the price."""
        return self.price_low is not None or self.price_high is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the `understood` object of an answer, without empty values."""
        limits = {"min": self.price_low, "max": self.price_high}
        table: dict[str, Any] = {
            "words": list(self.words),
            "language": self.language if self.words else "",
            "corrected": dict(self.corrected),
            **{name: {"value": value, "share": s} for name, (value, s) in self.intents.items()},
            "price": {end: number for end, number in limits.items() if number is not None},
        }
        return {name: value for name, value in table.items() if value}


@dataclass(frozen=True)
class Understanding:
    """Spelling and intents of one shop.

    Attributes:
        intents: one intent for category and one for brand.
    """

    spelling: Spelling = field(default_factory=Spelling)
    intents: Mapping[str, Intent] = field(default_factory=dict)

    def apply(self, query: str, market: str, *, reads_prices: bool) -> InterpretedQuery:
        """Interpret a query; with `reads_prices`, words may limit the price."""
        limits = read_price_limits(query) if reads_prices else None
        typed = words(query if limits is None else limits.text)[:MOST_WORDS]
        corrected = {
            word: better for word in typed if (better := self.spelling.apply(word)) is not None
        }
        folded = tuple(corrected.get(word, word) for word in typed)
        intents = {
            name: value
            for name, intent in self.intents.items()
            if (value := intent.apply(folded)) is not None
        }
        return InterpretedQuery(
            words=folded,
            language=language_of(market),
            corrected=corrected,
            intents=intents,
            price_low=limits.low if limits else None,
            price_high=limits.high if limits else None,
        )

    def save(self, folder: Path) -> None:
        """Write spelling and intents into a build folder."""
        self.spelling.save(folder)
        for name in INTENTS:
            self.intents.get(name, Intent()).save(folder, name)

    @classmethod
    def load(cls, folder: Path) -> "Understanding":
        """Read spelling and intents.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        intents = {name: Intent.load(folder, name) for name in INTENTS}
        return cls(Spelling.load(folder), intents)

"""A query as the shop understands it.  The query's key, under which it is logged, is untouched."""

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
    """What a query asks for.

    Attributes:
        words: folded, as corrected; what is searched for.
        language: in which they are stemmed.
        corrected: by word as typed, what it was taken for.
        meant: by category and brand, the value meant and its share of the query's clicks.
        price_low, price_high: limits of the price said in words.
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
        """As the answer tells it; what was not found in the query is left out."""
        limits = {"min": self.price_low, "max": self.price_high}
        told: dict[str, Any] = {
            "words": list(self.words),
            "language": self.language if self.words else "",
            "corrected": dict(self.corrected),
            **{name: {"value": value, "share": s} for name, (value, s) in self.intents.items()},
            "price": {end: number for end, number in limits.items() if number is not None},
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Understanding:
    """Spelling and intents of one shop.

    Attributes:
        intents: by category and brand.
    """

    spelling: Spelling = field(default_factory=Spelling)
    intents: Mapping[str, Intent] = field(default_factory=dict)

    def apply(self, query: str, market: str, *, reads_prices: bool) -> InterpretedQuery:
        """Understand a query; `reads_prices` where the shop has prices that words can limit."""
        limits = read_price_limits(query) if reads_prices else None
        typed = words(query if limits is None else limits.text)[:MOST_WORDS]
        corrected = {
            word: better for word in typed if (better := self.spelling.apply(word)) is not None
        }
        asked = tuple(corrected.get(word, word) for word in typed)
        intents = {
            name: found
            for name, intent in self.intents.items()
            if (found := intent.apply(asked)) is not None
        }
        return InterpretedQuery(
            words=asked,
            language=language_of(market),
            corrected=corrected,
            intents=intents,
            price_low=limits.low if limits else None,
            price_high=limits.high if limits else None,
        )

    def save(self, folder: Path) -> None:
        """Write all of it into a build folder."""
        self.spelling.save(folder)
        for name in INTENTS:
            self.intents.get(name, Intent()).save(folder, name)

    @classmethod
    def load(cls, folder: Path) -> "Understanding":
        """Read it.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        intents = {name: Intent.load(folder, name) for name in INTENTS}
        return cls(Spelling.load(folder), intents)

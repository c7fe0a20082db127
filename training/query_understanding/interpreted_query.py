"""A query, interpreted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from feature_repo.shop import DEFAULT_LANGUAGE
from training.query_understanding.concepts import Alternative, Concept


@dataclass(frozen=True)
class InterpretedQuery:
    """The interpretation of a query.

    Attributes:
        words: the words to search for, folded and corrected.
        language: of the words.
        optional: those of the words that items match without.
        alternatives: by position of a word, other ways to write it, and its synonyms.
        phrases: words that must follow each other in a title.
        excluded: concepts that no item may have together.
        negated: concepts that no title and no value of an item may name together, except to say
            that the item lacks them.
        corrected: by typed word, its correction.
        intents: category and brand that the query implies, each with its share of clicks.
        price_low, price_high: price limits in words.
        currencies: those that the price limits may mean; empty without any.
        redirect: address that the shop shows for the query instead of a list.
    """

    words: tuple[str, ...] = ()
    language: str = DEFAULT_LANGUAGE
    optional: frozenset[str] = frozenset()
    alternatives: Mapping[int, Sequence[Alternative]] = field(default_factory=dict)
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[Concept, ...], ...] = ()
    negated: tuple[tuple[Concept, ...], ...] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)
    intents: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    price_low: float | None = None
    price_high: float | None = None
    currencies: frozenset[str] = frozenset()
    redirect: str | None = None

    @property
    def has_price(self) -> bool:
        """Whether the words limit the price."""
        return self.price_low is not None or self.price_high is not None

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """What the query asks for: each word once, in order.

        An item that says that it lacks what the query excludes fits better than a silent one.
        """
        first = {word: n for n, word in reversed([*enumerate(self.words)])}
        words = tuple(
            Concept((Alternative((word,)), *self.alternatives.get(n, ())), word in self.optional)
            for n, word in enumerate(self.words)
            if first[word] == n
        )
        lacking = (
            Concept(c.alternatives, is_preferred=True) for phrase in self.negated for c in phrase
        )
        return (*words, *lacking)

    def to_dict(self) -> dict[str, Any]:
        """Return the `understood` object of an answer, without empty values."""
        limits = {"min": self.price_low, "max": self.price_high}
        without = [*self.excluded, *self.negated]
        table: dict[str, Any] = {
            "words": list(self.words),
            "language": self.language if self.words else "",
            "corrected": dict(self.corrected),
            "phrases": [" ".join(phrase) for phrase in self.phrases],
            "without": [" ".join(concept.word for concept in phrase) for phrase in without],
            **{name: {"value": value, "share": s} for name, (value, s) in self.intents.items()},
            "price": {end: number for end, number in limits.items() if number is not None},
        }
        return {name: value for name, value in table.items() if value}

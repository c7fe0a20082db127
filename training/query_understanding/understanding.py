"""Interpret a query, without changing its key in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from feature_repo.home import ArtifactError
from feature_repo.shop import Market, Role
from training.query_understanding.concepts import (
    Alternative,
    Concept,
    parts_of_word,
    written_apart,
    written_together,
)
from training.query_understanding.intent import Intent
from training.query_understanding.interpreted_query import InterpretedQuery
from training.query_understanding.operators import read_operators
from training.query_understanding.price_words import PriceLimits, read_price_limits
from training.query_understanding.scripts import is_pair
from training.query_understanding.spelling import Spelling
from training.query_understanding.stop_words import stop_words
from training.query_understanding.synonyms import Synonyms
from training.query_understanding.words import words

INTENTS: tuple[Role, ...] = ("category", "brand")
MOST_WORDS = 32
_SPELLING = "spelling"


@dataclass(frozen=True)
class Understanding:
    """Spelling and intents of one shop.

    Attributes:
        spellings: one for each language of the shop's markets.
        intents: one intent for category and one for brand.
    """

    spellings: Mapping[str, Spelling] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)

    def apply(
        self, query: str, market: Market, *, reads_prices: bool, synonyms: Synonyms | None = None
    ) -> InterpretedQuery:
        """Interpret a query; with `reads_prices`, words may limit the price."""
        synonyms = synonyms or Synonyms()
        spelling = self.spelling(market.language)
        operators = read_operators(query, spelling.has_pair)
        limits = (
            read_price_limits(operators.text, spelling.number_phrases, market.currency)
            if reads_prices
            else PriceLimits(operators.text)
        )
        typed = words(limits.text)[:MOST_WORDS]
        quoted = {word for phrase in operators.phrases for word in phrase}
        corrected = {
            word: better
            for word in typed
            if word not in quoted and (better := spelling.apply(word)) is not None
        }
        # A neighbour may complete an unknown word: `blue tooth`.
        joined = _joined(typed, spelling) if corrected else set()
        corrected = {word: better for word, better in corrected.items() if word not in joined}
        folded = tuple(corrected.get(word, word) for word in typed)
        intents = {
            name: value
            for name, intent in self.intents.items()
            if (value := intent.apply(folded)) is not None
        }
        return InterpretedQuery(
            words=folded,
            language=market.language,
            optional=self._stop_words(folded, market.language) | _seams(folded, spelling),
            alternatives=_alternatives(folded, spelling, synonyms, market.name),
            phrases=operators.phrases,
            excluded=tuple(
                tuple(_concept(word, spelling) for word in phrase) for phrase in operators.excluded
            ),
            negated=tuple(
                tuple(_concept(word, spelling) for word in phrase) for phrase in operators.negated
            ),
            corrected=corrected,
            intents=intents,
            price_low=limits.low,
            price_high=limits.high,
            currencies=limits.currencies,
            redirect=synonyms.redirect(tuple(words(query)), market.name),
        )

    def spelling(self, language: str) -> Spelling:
        """Return the spelling of a language; an empty one where the shop has no such market."""
        return self.spellings.get(language) or Spelling(language=language)

    def _stop_words(self, folded: Sequence[str], language: str) -> frozenset[str]:
        """Return the stop words of a query that name no brand; none if there are no others."""
        brands = self.intents.get("brand", Intent()).values
        listed = stop_words(language).intersection(folded).difference(brands)
        return frozenset() if listed.issuperset(folded) else listed

    def save(self, folder: Path) -> None:
        """Write spellings and intents into a build folder."""
        for language, spelling in self.spellings.items():
            spelling.save(folder / _SPELLING / language)
        for name in INTENTS:
            self.intents.get(name, Intent()).save(folder, name)

    @classmethod
    def load(cls, folder: Path) -> "Understanding":
        """Read spellings and intents.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        intents: dict[str, Intent] = {name: Intent.load(folder, name) for name in INTENTS}
        try:
            folders = sorted((folder / _SPELLING).iterdir())
        except OSError as error:
            raise ArtifactError(f"{folder}: expected the words of the items: {error}.") from None
        return cls({each.name: Spelling.load(each) for each in folders}, intents)


def _joined(typed: Sequence[str], spelling: Spelling) -> set[str]:
    """Return the words that are part of an existing word, together with their neighbours."""
    return {
        typed[n]
        for n, alternatives in written_together(typed).items()
        if any(spelling.has(one.words[0]) for one in alternatives)
    }


def _concept(word: str, spelling: Spelling) -> Concept:
    return Concept((Alternative((word,)), *_forms(word, spelling)))


def _forms(word: str, spelling: Spelling) -> list[Alternative]:
    """Return other ways to write a word, and the compounds with it."""
    apart = written_apart(word, spelling.joins)
    apart += [parts_of_word(way) for way in spelling.ways(word)]
    compounds = spelling.compounds(word).items()
    return [*apart, *(Alternative((one,), weight, True) for one, weight in compounds)]


def _seams(folded: Sequence[str], spelling: Spelling) -> frozenset[str]:
    """Return pairs of characters that no item has because two words meet there.

    Both neighbours exist, and overlap with the pair: `スス` in レディース|スニーカー.
    """
    return frozenset(
        word
        for before, word, after in zip(folded, folded[1:], folded[2:], strict=False)
        if is_pair(word)
        and (before[-1], after[0]) == (word[0], word[-1])
        and spelling.has(before)
        and spelling.has(after)
        and not spelling.has(word)
    )


def _alternatives(
    folded: tuple[str, ...], spelling: Spelling, synonyms: Synonyms, market: str
) -> dict[int, list[Alternative]]:
    alternatives = written_together(folded)
    for n, word in enumerate(folded):
        alternatives.setdefault(n, []).extend(_forms(word, spelling))
    for n, more in synonyms.alternatives(folded, market).items():
        alternatives.setdefault(n, []).extend(more)
    return alternatives

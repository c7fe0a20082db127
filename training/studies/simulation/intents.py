"""Search intents and the query texts that express them.

An intent is a noun, a noun with a colour or a brand, or a colour or brand alone; intent frequencies
follow Zipf's law.  A query text expresses an intent in a market's language: by the proper word, by
a synonym or with a typing error.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.metrics import Floats, Ints, stream
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.items import Items
from training.studies.simulation.markets import Market
from training.studies.simulation.vocabulary import BRANDS, CATEGORIES, COLOURS, NOUNS_PER_CATEGORY

ANY = -1
PROPER, SYNONYM, TYPO, OTHER_TYPO = range(4)
_FORM_SHARES = np.cumsum([0.78, 0.14, 0.05, 0.03])
_ZIPF = 0.8
_OTHER_CATEGORY, _ANY_CATEGORY = 0.02, 0.2
"""Weights of intents of another category than the session's, and of intents without a category."""
_SAME_CATEGORY = 0.4
"""Match of another noun of the same category."""


@dataclass(frozen=True)
class Intents:
    """Q intents.

    Attributes:
        category, noun, brand, colour: codes, -1 for any.
        frequency: share of the searches, before the session's category is considered.
    """

    category: Ints
    noun: Ints
    brand: Ints
    colour: Ints
    frequency: Floats

    def __len__(self) -> int:
        return self.noun.size

    @cached_property
    def _cumulative(self) -> Floats:
        """Cumulative weights, shape (categories * Q,); the weights of category c are in (c, c + 1].

        One search in this array then draws for visits of all categories.
        """
        shares = np.where(self.category == ANY, _ANY_CATEGORY, _OTHER_CATEGORY)
        rows = []
        for category in range(len(CATEGORIES)):
            weights = self.frequency * np.where(self.category == category, 1.0, shares)
            rows.append(category + np.cumsum(weights) / weights.sum())
        return np.concatenate(rows)

    def draw(self, categories: Ints, uniforms: Floats) -> Ints:
        """Draw an intent for each request of a session with that category."""
        positions = np.searchsorted(self._cumulative, categories + uniforms, side="right")
        return np.asarray(np.clip(positions - categories * len(self), 0, len(self) - 1))

    def match(self, items: Items, intents: Ints, numbers: Ints) -> Floats:
        """Return how well items match intents, from 0 to 1, broadcast; 0 without an intent."""
        noun, brand, colour = self.noun[intents], self.brand[intents], self.colour[intents]
        same_noun = items.noun[numbers] == noun
        same_category = (items.category[numbers] == self.category[intents]) & ~same_noun
        matched = (
            same_noun
            + _SAME_CATEGORY * same_category
            + (items.brand[numbers] == brand)
            + (items.colour[numbers] == colour)
        )
        attributes = (noun >= 0) * 1 + (brand >= 0) + (colour >= 0)
        return np.where(intents >= 0, matched / np.maximum(attributes, 1), 0.0)

    def texts(self, market: Market) -> list[tuple[str, ...]]:
        """Return the query texts of each intent: proper, by synonym, and with two typing errors."""
        return [self._forms(number, market) for number in range(len(self))]

    def _forms(self, number: int, market: Market) -> tuple[str, ...]:
        language = market.language
        noun, colour, brand = self.noun[number], self.colour[number], self.brand[number]
        words = language.nouns[noun] if noun >= 0 else ("",)
        attribute = BRANDS[brand].lower() if brand >= 0 else ""
        if colour >= 0:
            attribute = language.colours[colour]
        word = words[0] or attribute
        return (
            f"{attribute} {words[0]}".strip(),
            f"{attribute} {words[-1]}".strip(),
            f"{attribute if words[0] else ''} {_swap_letters(word, number)}".strip(),
            f"{attribute if words[0] else ''} {_drop_letter(word, number)}".strip(),
        )


def draw_intents(config: ShopConfig) -> Intents:
    """Create all intents, with a random order of popularity."""
    nouns = range(len(CATEGORIES) * NOUNS_PER_CATEGORY)
    brands, colours = range(len(BRANDS)), range(len(COLOURS))
    kinds = [(ANY, brand, ANY) for brand in brands] + [(ANY, ANY, colour) for colour in colours]
    kinds += [(noun, ANY, ANY) for noun in nouns]
    kinds += [(noun, brand, ANY) for noun in nouns for brand in brands]
    kinds += [(noun, ANY, colour) for noun in nouns for colour in colours]
    noun, brand, colour = np.array(kinds).T
    frequency = (stream(config.seed, "intents").permutation(noun.size) + 1.0) ** -_ZIPF
    return Intents(
        category=np.where(noun >= 0, noun // NOUNS_PER_CATEGORY, ANY),
        noun=noun,
        brand=brand,
        colour=colour,
        frequency=frequency / frequency.sum(),
    )


def draw_forms(uniforms: Floats) -> Ints:
    """Draw the form of each query text: proper, synonym or one of two typing errors."""
    return np.searchsorted(_FORM_SHARES[:-1], uniforms, side="right")


def _swap_letters(word: str, number: int) -> str:
    """Swap two different neighbouring letters, but not the first."""
    indexes = [i for i in range(1, len(word) - 1) if word[i] != word[i + 1]]
    i = indexes[number % len(indexes)]
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _drop_letter(word: str, number: int) -> str:
    i = 1 + number % max(1, len(word) - 1)
    return word[:i] + word[i + 1 :]

"""What can be looked for, and how it is typed.

An intent is a noun, or a noun of a colour or brand, or a colour or brand alone; how often each is
meant follows Zipf's law.  A text says it in a market's language: properly, by a synonym or with a
slip of the finger.
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
_ELSEWHERE, _UNBOUND = 0.02, 0.2
"""Weights of an intent outside the visit's category, and of one about no category."""
_SAME_CATEGORY = 0.4


@dataclass(frozen=True)
class Intents:
    """Q intents.

    Attributes:
        category, noun, brand, colour: codes, -1 for any.
        frequency: share of the searches before interest is considered.
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
        """Shape (categories * Q,): that of category c lies in (c, c + 1]."""
        shares = np.where(self.category == ANY, _UNBOUND, _ELSEWHERE)
        rows = []
        for category in range(len(CATEGORIES)):
            weights = self.frequency * np.where(self.category == category, 1.0, shares)
            rows.append(category + np.cumsum(weights) / weights.sum())
        return np.concatenate(rows)

    def meant(self, categories: Ints, uniforms: Floats) -> Ints:
        """Draw an intent for each visit to a category."""
        found = np.searchsorted(self._cumulative, categories + uniforms, side="right")
        return np.asarray(np.clip(found - categories * len(self), 0, len(self) - 1))

    def match(self, items: Items, intents: Ints, numbers: Ints) -> Floats:
        """How much of an intent an item fulfils, from 0 to 1, broadcast; 0 without an intent."""
        noun, brand, colour = self.noun[intents], self.brand[intents], self.colour[intents]
        right = items.noun[numbers] == noun
        near = (items.category[numbers] == self.category[intents]) & ~right
        fulfilled = (
            right
            + _SAME_CATEGORY * near
            + (items.brand[numbers] == brand)
            + (items.colour[numbers] == colour)
        )
        asked = (noun >= 0) * 1 + (brand >= 0) + (colour >= 0)
        return np.where(intents >= 0, fulfilled / np.maximum(asked, 1), 0.0)

    def texts(self, market: Market) -> list[tuple[str, ...]]:
        """By intent, what is typed: properly, by a synonym, and with each of two slips."""
        return [self._forms(number, market) for number in range(len(self))]

    def _forms(self, number: int, market: Market) -> tuple[str, ...]:
        language = market.language
        noun, colour, brand = self.noun[number], self.colour[number], self.brand[number]
        words = language.nouns[noun] if noun >= 0 else ("",)
        before = BRANDS[brand].lower() if brand >= 0 else ""
        if colour >= 0:
            before = language.colours[colour]
        slip = (words[0] or before, number)
        return (
            f"{before} {words[0]}".strip(),
            f"{before} {words[-1]}".strip(),
            f"{before if words[0] else ''} {_swapped(*slip)}".strip(),
            f"{before if words[0] else ''} {_shortened(*slip)}".strip(),
        )


def make_intents(config: ShopConfig) -> Intents:
    """All intents, in an order of popularity drawn at random."""
    nouns = range(len(CATEGORIES) * NOUNS_PER_CATEGORY)
    brands, colours = range(len(BRANDS)), range(len(COLOURS))
    asked = [(ANY, brand, ANY) for brand in brands] + [(ANY, ANY, colour) for colour in colours]
    asked += [(noun, ANY, ANY) for noun in nouns]
    asked += [(noun, brand, ANY) for noun in nouns for brand in brands]
    asked += [(noun, ANY, colour) for noun in nouns for colour in colours]
    noun, brand, colour = np.array(asked).T
    frequency = (stream(config.seed, "intents").permutation(noun.size) + 1.0) ** -_ZIPF
    return Intents(
        category=np.where(noun >= 0, noun // NOUNS_PER_CATEGORY, ANY),
        noun=noun,
        brand=brand,
        colour=colour,
        frequency=frequency / frequency.sum(),
    )


def typed(uniforms: Floats) -> Ints:
    """Draw how each search is typed."""
    return np.searchsorted(_FORM_SHARES[:-1], uniforms, side="right")


def _swapped(word: str, number: int) -> str:
    """Two unlike neighbours change places, not the first letter."""
    places = [place for place in range(1, len(word) - 1) if word[place] != word[place + 1]]
    place = places[number % len(places)]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _shortened(word: str, number: int) -> str:
    place = 1 + number % max(1, len(word) - 1)
    return word[:place] + word[place + 1 :]

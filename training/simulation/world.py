"""The simulated shop before anybody enters: its items, its users and what can be searched for.

Quality, fame, tastes and budgets are the hidden truth; events never show them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_repo.instants import DAY, HOUR
from training.simulation.words import BRANDS, CATEGORIES, COLOURS, STYLES

START = 1_767_571_200_000_000
"""2026-01-05T00:00Z, a Monday."""
NEVER = np.iinfo(np.int64).max

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LATE_ITEMS, _DELETED_ITEMS, _REPRICED_ITEMS = 0.12, 0.04, 0.12
"""Shares of the items that arrive, go or change price while the shop is open."""
_MARKDOWN = 0.8
_ZIPF = 0.8
_FAME_OF_QUALITY = 0.5


@dataclass(frozen=True)
class Items:
    """N items, one array element each.

    Attributes:
        words: what the title says, as a set, to match queries against.
        quality, fame: standard normal; fame is what the shop believes, quality what is true.
        level: log price against the category's usual, standard normal.
        price, reprice: prices before and after `repriced_at`.
        added_at, repriced_at, deleted_at: instants, `NEVER` where it does not happen.
    """

    ids: list[str]
    titles: list[str]
    words: list[frozenset[str]]
    category: Ints
    brand: Ints
    quality: Floats
    fame: Floats
    level: Floats
    price: Floats
    reprice: Floats
    added_at: Ints
    repriced_at: Ints
    deleted_at: Ints

    def on_sale(self, t: int) -> npt.NDArray[np.bool_]:
        """Shape (N,): whether each item can be shown at `t`."""
        return (self.added_at <= t) & (t < self.deleted_at)

    def price_at(self, t: int) -> Floats:
        """Shape (N,): prices at `t`."""
        return np.where(t < self.repriced_at, self.price, self.reprice)


@dataclass(frozen=True)
class Users:
    """U users, one row each.

    Attributes:
        taste: shape (U, categories), rows sum to 1; few users like everything.
        affinity: shape (U, brands), standard normal.
        budget: preferred price level, standard normal.
        thrift: how much a price off the budget repels.
        activity: share of all visits, sums to 1.
    """

    ids: list[str]
    taste: Floats
    affinity: Floats
    budget: Floats
    thrift: Floats
    activity: Floats


@dataclass(frozen=True)
class Queries:
    """Q queries that can be asked.

    Attributes:
        frequency: share of searches before taste is considered; Zipf.
        category: which category the query is about, -1 for any.
        match: shape (Q, N), share of the query's words that the item has.
    """

    texts: list[str]
    frequency: Floats
    category: Ints
    match: Floats


def make_items(rng: np.random.Generator, count: int, days: int) -> Items:
    """Draw the items; one in eight arrives after opening."""
    category = rng.integers(len(CATEGORIES), size=count)
    brand = rng.integers(len(BRANDS), size=count)
    titles = [_title(rng, c, b) for c, b in zip(category, brand, strict=True)]
    quality, level = rng.normal(size=(2, count))
    usual = 10 ** rng.uniform(1.1, 2.1, size=len(CATEGORIES))
    price = np.round(usual[category] * np.exp(0.45 * level), 2)
    noise = rng.normal(size=count)
    late = _some(rng, count, _LATE_ITEMS)
    age = (rng.exponential(90, size=count) * DAY).astype(np.int64) + DAY
    return Items(
        ids=[f"i{n:05d}" for n in range(count)],
        titles=titles,
        words=[frozenset(title.lower().split()) for title in titles],
        category=category,
        brand=brand,
        quality=quality,
        fame=_FAME_OF_QUALITY * quality + np.sqrt(1 - _FAME_OF_QUALITY**2) * noise,
        level=level,
        price=price,
        reprice=np.round(price * _MARKDOWN, 2),
        added_at=np.where(late, _within(rng, count, days), START - age),
        repriced_at=_sometimes(rng, count, days, _REPRICED_ITEMS),
        deleted_at=np.where(late, NEVER, _sometimes(rng, count, days, _DELETED_ITEMS)),
    )


def make_users(rng: np.random.Generator, count: int) -> Users:
    """Draw the users; a few of them make most of the visits."""
    activity = rng.gamma(0.8, size=count)
    return Users(
        ids=[f"u{n:05d}" for n in range(count)],
        taste=rng.dirichlet(np.full(len(CATEGORIES), 0.25), size=count),
        affinity=rng.normal(size=(count, len(BRANDS))),
        budget=rng.normal(size=count),
        thrift=rng.gamma(2.0, 0.5, size=count),
        activity=activity / activity.sum(),
    )


def make_queries(rng: np.random.Generator, items: Items) -> Queries:
    """All queries of one or two words, in an order of popularity drawn at random."""
    asked = [(word.lower(), -1) for word in (*BRANDS, *COLOURS, *STYLES)]
    for number, nouns in enumerate(CATEGORIES.values()):
        asked += [(noun, number) for noun in nouns]
        asked += [
            (f"{word.lower()} {noun}", number) for noun in nouns for word in (*COLOURS, *BRANDS)
        ]
    rank = rng.permutation(len(asked)) + 1.0
    frequency = rank**-_ZIPF
    return Queries(
        texts=[text for text, _ in asked],
        frequency=frequency / frequency.sum(),
        category=np.array([category for _, category in asked]),
        match=np.array([_matches(text, items) for text, _ in asked]),
    )


def _title(rng: np.random.Generator, category: int, brand: int) -> str:
    nouns = tuple(CATEGORIES.values())[category]
    style, colour, noun = (str(rng.choice(words)) for words in (STYLES, COLOURS, nouns))
    return f"{BRANDS[brand]} {style} {colour} {noun}"


def _matches(text: str, items: Items) -> list[float]:
    asked = set(text.split())
    return [len(asked & words) / len(asked) for words in items.words]


def _some(rng: np.random.Generator, count: int, share: float) -> npt.NDArray[np.bool_]:
    return rng.random(count) < share


def _within(rng: np.random.Generator, count: int, days: int) -> Ints:
    return START + rng.integers(HOUR, days * DAY, size=count)


def _sometimes(rng: np.random.Generator, count: int, days: int, share: float) -> Ints:
    return np.where(_some(rng, count, share), _within(rng, count, days), NEVER)

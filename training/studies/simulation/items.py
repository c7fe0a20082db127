"""The items of the simulated shop.  Quality and taste vectors are hidden: events never show them.

Items are numbered in the order in which they come: those of the first day, then each day's new
ones.  An item belongs to one market and speaks its language.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from training.metrics import Bools, Floats, Ints, noise, stream
from training.studies.simulation.calendar import CAMPAIGN_PRICE, Campaign
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.vocabulary import BRANDS, CATEGORIES, COLOURS, NOUNS_PER_CATEGORY

TASTE = 8
"""Length of a taste vector."""

EVERGREENS = 10
"""So many of the first items never leave; no fewer than there are markets."""

_NOUNS = len(CATEGORIES) * NOUNS_PER_CATEGORY
_STYLES = 6
_SYNONYM_SHARE = 0.25
_ARRIVING, _LEAVING = 0.006, 0.002
"""Shares of the items that come and go on a day."""
_USUAL = (1.1, 2.1)
SPREAD = 0.45
"""Standard deviation of the log prices of a category."""
_FAME_OF_QUALITY = 0.5
_LONGEST_PRICE, _PRICE_STEP = 90, 0.12
_SOLD_OUT_SHARE, _SOLD_OUT_CYCLE, _SOLD_OUT_DAYS = 0.15, 28, 3
_BRAND_PART, _COLOUR_PART, _OWN_PART = 0.85, 0.35, 0.35
_WORLD = 0
"""Number of the streams that hold what never changes."""


@dataclass(frozen=True)
class Items:
    """N items, one array element each.

    Attributes:
        market, category, noun, brand, colour, style: codes; nouns count through all categories.
        synonym: whether the title calls it by the second word for it.
        quality, fame: standard normal; fame is what the shop believes, quality what is true.
        level: log price against the usual one of the category, standard normal.
        list_price: price before changes and offers, in the currency of the market.
        taste: shape (N, TASTE), unit vectors.
        age: days between coming into the shop and its opening or the item's first day.
        first_day, last_day: days on which it is for sale, both inclusive.
        key: seed of the item's own noise.
    """

    market: Ints
    category: Ints
    noun: Ints
    brand: Ints
    colour: Ints
    style: Ints
    synonym: Bools
    quality: Floats
    fame: Floats
    level: Floats
    list_price: Floats
    taste: Floats
    age: Floats
    first_day: Ints
    last_day: Ints
    key: Ints

    def __len__(self) -> int:
        return self.market.size

    @cached_property
    def _period(self) -> Ints:
        """Days for which a price holds."""
        return (30 + noise(np.uint64(11), self.key) * (_LONGEST_PRICE - 30)).astype(np.int64)

    def for_sale(self, day: int) -> Bools:
        """Shape (N,): whether each item can be shown."""
        return (self.first_day <= day) & (day <= self.last_day)

    def stock(self, day: int) -> Ints:
        """Shape (N,): pieces left, 0 while sold out; every item has as many when it is back."""
        shifted = day + (noise(np.uint64(12), self.key) * _SOLD_OUT_CYCLE).astype(np.int64)
        cycle, within = np.divmod(shifted, _SOLD_OUT_CYCLE)
        unlucky = noise(np.uint64(13), self.key ^ (cycle << 40)) < _SOLD_OUT_SHARE
        pieces = 5 + (noise(np.uint64(14), self.key) * 95).astype(np.int64)
        return np.where(unlucky & (within < _SOLD_OUT_DAYS), 0, pieces)

    def discount(self, running: Campaign | None) -> Floats:
        """Shape (N,): share that a campaign takes off the price."""
        about = -1 if running is None else running.category
        return np.where(self.category == about, 1 - CAMPAIGN_PRICE, 0.0)

    def change(self, day: int) -> Floats:
        """Shape (N,): log of the price before offers against the list price."""
        since = day + (noise(np.uint64(15), self.key) * self._period).astype(np.int64)
        step = since // self._period
        drawn = noise(np.uint64(16), self.key ^ (step << 40))
        return np.where(step == 0, 0.0, np.round(_PRICE_STEP * np.sqrt(12) * (drawn - 0.5), 3))


def make_items(config: ShopConfig, days: int) -> Items:
    """Draw the items of the first `days` days."""
    batches = [_batch(config, day) for day in range(days)]
    return Items(
        **{f.name: np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(Items)}
    )


def _batch(config: ShopConfig, day: int) -> Items:
    """The items that come on one day."""
    rng = stream(config.seed, "items", day)
    count = config.items if day == 0 else int(rng.poisson(_ARRIVING * config.items))
    launched = _launched(config, day)
    if launched:
        # Of another stream, so that the other items of the day are the same without it.
        return _joined(
            _drawn(config, rng, day, count),
            _drawn(config, stream(config.seed, "launch", day), day, launched),
        )
    return _drawn(config, rng, day, count)


def _launched(config: ShopConfig, day: int) -> int:
    broken = config.breakage
    return round(broken.launch * config.items) if day == broken.launch_day else 0


def _joined(first: Items, second: Items) -> Items:
    return Items(
        **{
            f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
            for f in fields(Items)
        }
    )


def _drawn(config: ShopConfig, rng: np.random.Generator, day: int, count: int) -> Items:
    noun = rng.integers(_NOUNS, size=count)
    brand = rng.integers(len(BRANDS), size=count)
    colour = rng.integers(len(COLOURS), size=count)
    category = noun // NOUNS_PER_CATEGORY
    market = _markets(config, rng, day, count)
    quality, level, own_fame = rng.normal(size=(3, count))
    stays = rng.exponential(1 / _LEAVING, size=count).astype(np.int64)
    # They are of every market, so that none is ever empty.
    always = (day == 0) & (np.arange(count) < EVERGREENS)
    return Items(
        market=market,
        category=category,
        noun=noun,
        brand=brand,
        colour=colour,
        style=rng.integers(_STYLES, size=count),
        synonym=rng.random(count) < _SYNONYM_SHARE,
        quality=quality,
        fame=_FAME_OF_QUALITY * quality + np.sqrt(1 - _FAME_OF_QUALITY**2) * own_fame,
        level=level,
        list_price=np.round(_usual_price(config, category, market) * np.exp(SPREAD * level), 2),
        taste=_tastes(config, rng, brand, colour),
        age=rng.exponential(90, size=count) + 1 if day == 0 else np.zeros(count),
        first_day=np.full(count, day),
        last_day=day + np.where(always, np.iinfo(np.int32).max, stays),
        key=rng.integers(1 << 40, size=count),
    )


def _markets(config: ShopConfig, rng: np.random.Generator, day: int, count: int) -> Ints:
    sizes = np.array([MARKETS[name].size for name in config.markets])
    drawn = rng.choice(sizes.size, size=count, p=sizes / sizes.sum())
    if day == 0:
        drawn[: sizes.size] = np.arange(min(sizes.size, count))
    return drawn.astype(np.int64)


def _usual_price(config: ShopConfig, category: Ints, market: Ints) -> Floats:
    usual = 10 ** stream(config.seed, "usual prices", _WORLD).uniform(*_USUAL, len(CATEGORIES))
    levels = np.array([MARKETS[name].price_level for name in config.markets])
    return np.asarray(usual[category] * levels[market])


def _tastes(config: ShopConfig, rng: np.random.Generator, brand: Ints, colour: Ints) -> Floats:
    """An item is to the taste of those who like its brand and its colour, mostly."""
    shared = stream(config.seed, "taste", _WORLD)
    brands, colours = (_units(shared, len(words)) for words in (BRANDS, COLOURS))
    mixed = (
        _BRAND_PART * brands[brand]
        + _COLOUR_PART * colours[colour]
        + _OWN_PART * _units(rng, brand.size)
    )
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def _units(rng: np.random.Generator, count: int) -> Floats:
    drawn = rng.normal(size=(count, TASTE))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

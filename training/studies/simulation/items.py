"""The items of the simulated shop.  Quality and taste vectors are hidden: no event contains them.

Items are numbered in order of their first day: the opening assortment, then each day's new items.
An item belongs to one market, and its texts are in that market's language.
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
"""Number of first items that are always on sale; at least one per market."""

_NOUNS = len(CATEGORIES) * NOUNS_PER_CATEGORY
_STYLES = 6
_SYNONYM_SHARE = 0.25
_ADDED, _REMOVED = 0.006, 0.002
"""Shares of the items that are added and removed on a day."""
_BASE_PRICE = (1.1, 2.1)
"""Bounds of the decimal logarithm of a category's median price."""
SPREAD = 0.45
"""Standard deviation of the log prices of a category."""
_FAME_OF_QUALITY = 0.5
"""Correlation of fame with quality."""
_MAX_PRICE_DAYS, _PRICE_STEP = 90, 0.12
_SOLD_OUT_SHARE, _SOLD_OUT_CYCLE, _SOLD_OUT_DAYS = 0.15, 28, 3
_BRAND_WEIGHT, _COLOUR_WEIGHT, _ITEM_WEIGHT = 0.85, 0.35, 0.35
_WORLD = 0
"""Number of the random streams that do not depend on the day."""


@dataclass(frozen=True)
class Items:
    """N items; each attribute is an array with one element per item.

    Attributes:
        market, category, noun, brand, colour, style: codes; nouns are numbered across categories.
        synonym: whether the title uses a synonym of the noun.
        quality, fame: standard normal; fame is the shop's noisy estimate of the true quality.
        level: log price relative to the category's median, standard normal.
        list_price: price before changes and discounts, in the currency of the market.
        taste: shape (N, TASTE), unit vectors.
        age: age in days when the shop opens; 0 for items added later.
        first_day, last_day: first and last day of sale, both inclusive.
        key: seed of the item's noise.
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
        """Days between two price changes of an item."""
        return (30 + noise(np.uint64(11), self.key) * (_MAX_PRICE_DAYS - 30)).astype(np.int64)

    def for_sale(self, day: int) -> Bools:
        """Whether each item can be shown on a day, shape (N,)."""
        return (self.first_day <= day) & (day <= self.last_day)

    def stock(self, day: int) -> Ints:
        """Return the pieces in stock, shape (N,): a fixed number per item, 0 while sold out."""
        shifted = day + (noise(np.uint64(12), self.key) * _SOLD_OUT_CYCLE).astype(np.int64)
        cycle, within = np.divmod(shifted, _SOLD_OUT_CYCLE)
        sells_out = noise(np.uint64(13), self.key ^ (cycle << 40)) < _SOLD_OUT_SHARE
        pieces = 5 + (noise(np.uint64(14), self.key) * 95).astype(np.int64)
        return np.where(sells_out & (within < _SOLD_OUT_DAYS), 0, pieces)

    def discount(self, campaign: Campaign | None) -> Floats:
        """Return the share that a campaign takes off the price, shape (N,)."""
        category = -1 if campaign is None else campaign.category
        return np.where(self.category == category, 1 - CAMPAIGN_PRICE, 0.0)

    def price_change(self, day: int) -> Floats:
        """Return the log of the price before discounts relative to the list price, shape (N,)."""
        since = day + (noise(np.uint64(15), self.key) * self._period).astype(np.int64)
        step = since // self._period
        drawn = noise(np.uint64(16), self.key ^ (step << 40))
        return np.where(step == 0, 0.0, np.round(_PRICE_STEP * np.sqrt(12) * (drawn - 0.5), 3))


def draw_items(config: ShopConfig, days: int) -> Items:
    """Draw the items that are added on the first `days` days."""
    batches = [_batch(config, day) for day in range(days)]
    return Items(
        **{f.name: np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(Items)}
    )


def _batch(config: ShopConfig, day: int) -> Items:
    """Draw the items that are added on one day."""
    rng = stream(config.seed, "items", day)
    count = config.items if day == 0 else int(rng.poisson(_ADDED * config.items))
    launched = _launched(config, day)
    if launched:
        # From another stream, so that a launch does not change the other items of the day.
        return _concatenate(
            _draw(config, rng, day, count),
            _draw(config, stream(config.seed, "launch", day), day, launched),
        )
    return _draw(config, rng, day, count)


def _launched(config: ShopConfig, day: int) -> int:
    breakage = config.breakage
    return round(breakage.launch * config.items) if day == breakage.launch_day else 0


def _concatenate(first: Items, second: Items) -> Items:
    return Items(
        **{
            f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
            for f in fields(Items)
        }
    )


def _draw(config: ShopConfig, rng: np.random.Generator, day: int, count: int) -> Items:
    noun = rng.integers(_NOUNS, size=count)
    brand = rng.integers(len(BRANDS), size=count)
    colour = rng.integers(len(COLOURS), size=count)
    category = noun // NOUNS_PER_CATEGORY
    market = _markets(config, rng, day, count)
    quality, level, fame_noise = rng.normal(size=(3, count))
    lifetime = rng.exponential(1 / _REMOVED, size=count).astype(np.int64)
    # The first items include one of every market, so that no market is ever empty.
    evergreen = (day == 0) & (np.arange(count) < EVERGREENS)
    return Items(
        market=market,
        category=category,
        noun=noun,
        brand=brand,
        colour=colour,
        style=rng.integers(_STYLES, size=count),
        synonym=rng.random(count) < _SYNONYM_SHARE,
        quality=quality,
        fame=_FAME_OF_QUALITY * quality + np.sqrt(1 - _FAME_OF_QUALITY**2) * fame_noise,
        level=level,
        list_price=np.round(_base_price(config, category, market) * np.exp(SPREAD * level), 2),
        taste=_tastes(config, rng, brand, colour),
        age=rng.exponential(90, size=count) + 1 if day == 0 else np.zeros(count),
        first_day=np.full(count, day),
        last_day=day + np.where(evergreen, np.iinfo(np.int32).max, lifetime),
        key=rng.integers(1 << 40, size=count),
    )


def _markets(config: ShopConfig, rng: np.random.Generator, day: int, count: int) -> Ints:
    sizes = np.array([MARKETS[name].size for name in config.markets])
    drawn = rng.choice(sizes.size, size=count, p=sizes / sizes.sum())
    if day == 0:
        drawn[: sizes.size] = np.arange(min(sizes.size, count))
    return drawn.astype(np.int64)


def _base_price(config: ShopConfig, category: Ints, market: Ints) -> Floats:
    base = 10 ** stream(config.seed, "usual prices", _WORLD).uniform(*_BASE_PRICE, len(CATEGORIES))
    levels = np.array([MARKETS[name].price_level for name in config.markets])
    return np.asarray(base[category] * levels[market])


def _tastes(config: ShopConfig, rng: np.random.Generator, brand: Ints, colour: Ints) -> Floats:
    """Mix taste vectors of brand, colour and item: users like most items of a brand they like."""
    shared = stream(config.seed, "taste", _WORLD)
    brands, colours = (_units(shared, len(words)) for words in (BRANDS, COLOURS))
    mixed = (
        _BRAND_WEIGHT * brands[brand]
        + _COLOUR_WEIGHT * colours[colour]
        + _ITEM_WEIGHT * _units(rng, brand.size)
    )
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def _units(rng: np.random.Generator, count: int) -> Floats:
    drawn = rng.normal(size=(count, TASTE))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

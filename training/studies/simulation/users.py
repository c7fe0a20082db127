"""The users of the simulated shop; events have their market and device, the rest is hidden."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.metrics import Floats, Ints, stream
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.items import TASTE
from training.studies.simulation.markets import MARKETS
from training.studies.simulation.vocabulary import CATEGORIES

DEVICES = ("phone", "tablet", "desktop")

_DEVICE_SHARES = (0.55, 0.1, 0.35)
_MIXTURE = 0.25
_FASTEST_DRIFT = 0.02
"""Radians a day."""
_PATIENCE = 0.3


@dataclass(frozen=True)
class Users:
    """U users, one row each; the users of a market are contiguous.

    Attributes:
        market, device: codes.
        interest: shape (U, categories), rows sum to 1; most users like few categories.
        taste, other_taste: shape (U, TASTE), standard normal; taste rotates from one to the other.
        drift: speed of the rotation, in radians a day.
        budget: preferred price level, standard normal.
        thrift: sensitivity to prices off the budget.
        patience: factor on how far down a slate the user examines, around 1.
        activity: shape (U,), cumulative share of the sessions of the user's market, plus its code.
        bounds: shape (markets + 1,), first user of each market.
    """

    market: Ints
    device: Ints
    interest: Floats
    taste: Floats
    other_taste: Floats
    drift: Floats
    budget: Floats
    thrift: Floats
    patience: Floats
    activity: Floats
    bounds: Ints

    def __len__(self) -> int:
        return self.market.size

    def taste_on(self, day: int) -> Floats:
        """Return the taste vectors on a day, shape (U, TASTE)."""
        angle = (self.drift * day)[:, None]
        return np.asarray(np.cos(angle) * self.taste + np.sin(angle) * self.other_taste)

    def draw(self, markets: Ints, uniforms: Floats) -> Ints:
        """Draw a user of each market, by activity."""
        # `activity` of market m is in (m, m + 1], so one search serves all markets.
        users = np.searchsorted(self.activity, markets + uniforms, side="right")
        return np.clip(users, self.bounds[markets], self.bounds[markets + 1] - 1)


def draw_users(config: ShopConfig) -> Users:
    """Draw the users; activity is skewed, so a few users have most of the sessions."""
    rng, count = stream(config.seed, "users"), config.users
    bounds = _bounds(config)
    market = np.searchsorted(bounds, np.arange(count), side="right") - 1
    taste, other = rng.normal(size=(2, count, TASTE))
    return Users(
        market=market,
        device=rng.choice(len(DEVICES), size=count, p=_DEVICE_SHARES),
        interest=rng.dirichlet(np.full(len(CATEGORIES), _MIXTURE), size=count),
        taste=taste,
        other_taste=other,
        drift=rng.uniform(0, _FASTEST_DRIFT, size=count),
        budget=rng.normal(size=count),
        thrift=rng.gamma(2.0, 0.5, size=count),
        patience=np.exp(_PATIENCE * rng.normal(size=count)),
        activity=_activity(rng, bounds),
        bounds=bounds,
    )


def _bounds(config: ShopConfig) -> Ints:
    """Split the users among markets by size, at least one user per market."""
    sizes = np.array([MARKETS[name].size for name in config.markets])
    remaining = max(0, config.users - sizes.size)
    inner = np.floor(np.cumsum(sizes) / sizes.sum() * remaining).astype(np.int64)
    ends = np.minimum(inner + np.arange(1, sizes.size + 1), config.users)
    ends[-1] = config.users
    return np.concatenate([[0], ends])


def _activity(rng: np.random.Generator, bounds: Ints) -> Floats:
    drawn = rng.gamma(0.8, size=int(bounds[-1])) + 1e-6
    shares = [
        number + np.cumsum(drawn[first:last]) / drawn[first:last].sum()
        for number, (first, last) in enumerate(pairwise(bounds))
    ]
    return np.concatenate(shares)

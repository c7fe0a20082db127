"""The users of the simulated shop; what they like is hidden, events show only market and device."""

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
    """U users, one row each, those of a market side by side.

    Attributes:
        market, device: codes.
        interest: shape (U, categories), rows sum to 1; few users like everything.
        taste, other_taste: shape (U, TASTE), standard normal; taste turns from one to the other.
        drift: how fast it turns, in radians a day.
        budget: preferred price level, standard normal.
        thrift: how much a price off the budget repels.
        patience: how long attention lasts, around 1.
        activity: shape (U,), cumulative share of the visits in the user's market.
        bounds: shape (markets + 1,), where each market's users begin.
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
        """Shape (U, TASTE): what each likes on a day."""
        angle = (self.drift * day)[:, None]
        return np.asarray(np.cos(angle) * self.taste + np.sin(angle) * self.other_taste)

    def arriving(self, markets: Ints, uniforms: Floats) -> Ints:
        """Draw a user of each market by activity."""
        # `activity` of market m lies in (m, m + 1], so one search serves all markets.
        found = np.searchsorted(self.activity, markets + uniforms, side="right")
        return np.clip(found, self.bounds[markets], self.bounds[markets + 1] - 1)


def make_users(config: ShopConfig) -> Users:
    """Draw the users; a few of them make most of the visits."""
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
    """Each market has at least one user, where there are as many."""
    sizes = np.array([MARKETS[name].size for name in config.markets])
    spare = max(0, config.users - sizes.size)
    inner = np.floor(np.cumsum(sizes) / sizes.sum() * spare).astype(np.int64)
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

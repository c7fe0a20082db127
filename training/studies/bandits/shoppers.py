"""Simulated shoppers in front of banners: how likely each clicks, which no bandit knows."""

from dataclasses import dataclass

import numpy as np

from training.metrics import Floats, Ints, stream
from training.studies.simulation import DEVICES, Shop, ShopConfig

BANNERS = ("sale", "new", "brand")
APPEAL = np.array([[0.12, 0.06, 0.03], [0.06, 0.05, 0.10], [0.04, 0.11, 0.05]])
"""Mean click rate of each banner on each device, shape (devices, banners)."""


@dataclass(frozen=True)
class Shoppers:
    """The users of a simulated shop, of whom one after the other sees a banner.

    Attributes:
        device: code of each user's.
        rate: shape (U, banners), the true click rates: a user who likes the category of a banner
            clicks it up to twice as often.
    """

    device: Ints
    rate: Floats

    @classmethod
    def draw(cls, seed: int, users: int = 2000) -> "Shoppers":
        """Draw the shoppers of a shop; banner n shows its category n."""
        drawn = Shop.draw(ShopConfig(users=users, seed=seed), days=1).users
        liking = 0.5 + drawn.interest[:, : len(BANNERS)]
        return cls(drawn.device, APPEAL[drawn.device] * liking)

    def switched(self) -> "Shoppers":
        """Return the same shoppers after their liking moved on by one banner."""
        return Shoppers(self.device, np.roll(self.rate, 1, axis=1))

    @property
    def mean_rates(self) -> Floats:
        """The true mean click rates by device, shape (devices, banners)."""
        return np.array([self.rate[self.device == n].mean(axis=0) for n in range(len(DEVICES))])

    def visits(self, seed: int, count: int) -> tuple[Ints, Floats]:
        """Return the users of N visits, and a uniform number for each one's click."""
        rng = stream(seed, "banner visits")
        return rng.integers(len(self.device), size=count), rng.random(count)

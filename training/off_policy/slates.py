"""Logged slates with the probabilities of what they showed: all that an estimator reads."""

from dataclasses import dataclass

import numpy as np

from training.metrics import Bools, Floats, Ints


@dataclass(frozen=True)
class LoggedSlates:
    """S slates of at most K slots.

    Attributes:
        items: shape (S, K), item numbers from 0; -1 after the end of a slate.
        positions: shape (S, K), from 1.
        rewards: shape (S, K), such as 1 for a click; 0 after the end.
        conditional: shape (S, K), probability of the item in its slot, given the items above it.
        marginal: shape (S, K), probability of the item in its slot over all draws of the slate.
            Both are above 0, and 1 after the end.
        clusters: shape (S,), the shopper of each slate, numbers from 0.
        item_count: I, above every item number.
    """

    items: Ints
    positions: Ints
    rewards: Floats
    conditional: Floats
    marginal: Floats
    clusters: Ints
    item_count: int

    def __len__(self) -> int:
        return len(self.items)

    @property
    def shown(self) -> Bools:
        """Shape (S, K): whether the slot has an item."""
        return np.asarray(self.items >= 0)

    @property
    def observed(self) -> float:
        """Mean reward of a slate."""
        return float(self.rewards.mean(axis=0).sum()) if len(self) else np.nan

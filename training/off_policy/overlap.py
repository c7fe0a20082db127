"""Overlap: whether the log shows enough of what a policy would show.

The limits were set on simulated logs (`make bench NAME=off_policy`): above them the intervals
contain the truth in 93 to 97 % of the logs.
"""

from dataclasses import dataclass

import numpy as np

from training.metrics import Floats
from training.off_policy.slates import LoggedSlates
from training.off_policy.weights import effective_size

LEAST_SHOPPERS = 200
"""Effective number of shoppers below which an interval is not trusted."""

LEAST_REWARDED = 10
"""Effective number of shoppers with a reward below which an interval is not trusted."""

SUPPORT = (0.9, 1.1)
"""Range of the mean weight: it is 1 if the log shows all that the policy would show."""


@dataclass(frozen=True)
class Overlap:
    """How far an estimate rests on many shoppers.

    Attributes:
        shoppers: effective number: as many with equal weights would tell as much.
        rewarded: effective number of shoppers with a reward.
        support: mean weight of a slot.
        largest_weight: of a slot.
        largest_share: of the weighted rewards, that one shopper has.
    """

    shoppers: float
    rewarded: float
    support: float
    largest_weight: float
    largest_share: float

    @classmethod
    def of(cls, slates: LoggedSlates, weights: Floats) -> "Overlap":
        """Measure the weights of one estimator, shape (S, K)."""
        rewards = weights * slates.rewards
        by_shopper = np.bincount(slates.clusters, rewards.sum(axis=1))
        slots = int(slates.shown.sum())
        return cls(
            effective_size(weights, slates.clusters),
            effective_size(rewards, slates.clusters),
            float(weights.sum()) / slots if slots else 0.0,
            float(weights.max(initial=0.0)),
            float(by_shopper.max(initial=0.0) / by_shopper.sum()) if rewards.any() else 0.0,
        )

    @property
    def refusal(self) -> str | None:
        """Why no estimate is given, in a sentence; None if the overlap suffices."""
        if self.shoppers < LEAST_SHOPPERS:
            return (
                f"The log is worth {self.shoppers:.0f} shoppers for this policy, and "
                f"{LEAST_SHOPPERS} are needed: collect more explored slates, or compare a policy "
                "that is more like the one of the log."
            )
        if self.rewarded < LEAST_REWARDED:
            return (
                f"The log is worth {self.rewarded:.0f} shoppers with a click for this policy, and "
                f"{LEAST_REWARDED} are needed: collect more explored slates."
            )
        if self.support < SUPPORT[0]:
            return (
                f"The log shows only {self.support:.0%} of what the policy would show (its mean "
                f"weight, which must be {SUPPORT[0]:.0%} or more): explore more slots, or a whole "
                "page at a higher temperature."
            )
        if self.support > SUPPORT[1]:
            return (
                f"The mean weight is {self.support:.2f} instead of 1, at most {SUPPORT[1]}: a few "
                "rare slates decide the figure, or the propensities of the log are wrong."
            )
        return None


def by_position(slates: LoggedSlates, weights: Floats) -> list[dict[str, float]]:
    """Return overlap of each slot: its effective shoppers and its mean weight."""
    rows = []
    for k in range(weights.shape[1]):
        shown = slates.shown[:, k]
        column = weights[:, k : k + 1]
        rows.append(
            {
                "slot": k + 1,
                "slates": int(shown.sum()),
                "shoppers": effective_size(column, slates.clusters),
                "support": float(column.sum() / max(shown.sum(), 1)),
                "largest_weight": float(column.max(initial=0.0)),
            }
        )
    return rows

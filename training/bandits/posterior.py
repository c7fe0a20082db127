"""The posterior of each arm's reward rate, a pure function of counts.

The counts are whole numbers by day of the event time.  Their discounted sums go from the oldest day
to the newest (Horner's scheme), so equal counts give the same posterior bit for bit, whether Redis
or the log has them, and in whatever order the events came.

- Beta-binomial Thompson sampling: Chapelle and Li, An Empirical Evaluation of Thompson Sampling,
  2011.
- Linear Thompson sampling: Agrawal and Goyal, Thompson Sampling for Contextual Bandits with Linear
  Payoffs, 2013; here with the weights of each arm apart, and the noise of the mean reward rate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.bandits.bandit import Bandit

Floats = npt.NDArray[np.float64]

_DEVIATIONS = np.linspace(-6.0, 6.0, 81)
"""Points at which a distribution is evaluated, in standard deviations from its mean."""


@dataclass(frozen=True)
class Beta:
    """A beta distribution of a reward rate."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def deviation(self) -> float:
        """Its standard deviation."""
        total = self.alpha + self.beta
        return float(np.sqrt(self.alpha * self.beta / (total * total * (total + 1))))

    @property
    def points(self) -> Floats:
        """Where its mass is."""
        return np.clip(self.mean + self.deviation * _DEVIATIONS, 0.0, 1.0)

    def cumulative(self, points: Floats) -> Floats:
        """Return the probability of a rate up to each point."""
        from scipy.special import betainc

        return np.asarray(betainc(self.alpha, self.beta, np.clip(points, 0.0, 1.0)))


@dataclass(frozen=True)
class Normal:
    """A normal distribution of a reward rate."""

    mean: float
    deviation: float

    @property
    def points(self) -> Floats:
        """Where its mass is."""
        return self.mean + self.deviation * _DEVIATIONS

    def cumulative(self, points: Floats) -> Floats:
        """Return the probability of a rate up to each point."""
        from scipy.special import ndtr

        return np.asarray(ndtr((points - self.mean) / self.deviation))


Posterior = Beta | Normal


def discounted(counts: npt.NDArray[np.int64], discount: float) -> Floats:
    """Return the discounted sums of N series of counts.

    A day counts `discount` times as much as the next one.  The last sum, of all days before, counts
    only without a discount.

    Args:
        counts: shape (…, D + 1): of today, of the day before, and so on; last of all days before.
        discount: above 0 and up to 1.
    """
    *days, earlier = np.moveaxis(counts, -1, 0).astype(np.float64)
    total = earlier if discount == 1.0 else np.zeros_like(earlier)
    for of_day in reversed(days):
        total = total * discount + of_day
    return np.asarray(total)


def posteriors(bandit: Bandit, cell: int, counts: npt.NDArray[np.int64]) -> tuple[Posterior, ...]:
    """Return the posterior of each of A arms in a cell.

    Args:
        bandit: the declaration.
        cell: position among the cells of its context.
        counts: of `bandit.keys(cell)`, decisions and rewards by day; see `discounted`.
    """
    decisions, rewards = discounted(counts, bandit.discount).T
    if bandit.model == "beta":
        wins, losses = bandit.prior
        # A reward counts on its own day: it may outweigh the discounted decision of a day before.
        missing = np.maximum(decisions - rewards, 0.0)
        pairs = zip(rewards.tolist(), missing.tolist(), strict=True)
        return tuple(Beta(wins + won, losses + lost) for won, lost in pairs)
    shape = len(bandit.context.cells), len(bandit.arms)
    design = np.array([each.columns for each in bandit.context.cells])
    rate = _mean_rate(bandit, decisions.sum(), rewards.sum())
    noise = rate * (1 - rate)
    of_arms = zip(decisions.reshape(shape).T, rewards.reshape(shape).T, strict=True)
    return tuple(_linear(bandit, design, *sums, design[cell], noise) for sums in of_arms)


def _linear(
    bandit: Bandit,
    design: Floats,
    decisions: Floats,
    rewards: Floats,
    row: Floats,
    noise: float,
) -> Normal:
    """Return the posterior of one arm's rate in the cell with these columns.

    The prior mean of the constant's weight is the rate of the declared prior, that of the others 0;
    each has a variance of 1.

    Args:
        bandit: the declaration.
        design: columns of the C cells, shape (C, D).
        decisions, rewards: in each cell, shape (C,).
        row: columns of the cell, shape (D,).
        noise: variance of a reward.
    """
    start = np.zeros(len(row))
    start[0] = _mean_rate(bandit, 0.0, 0.0)
    precision = np.eye(len(row)) + (design * decisions[:, None]).T @ design / noise
    weights = np.linalg.solve(precision, start + design.T @ rewards / noise)
    variance = row @ np.linalg.solve(precision, row)
    return Normal(float(row @ weights), float(np.sqrt(variance)))


def _mean_rate(bandit: Bandit, decisions: float, rewards: float) -> float:
    """Return the reward rate of all arms together, the prior included; above 0 and below 1."""
    wins, losses = bandit.prior
    return float((wins + rewards) / (wins + losses + max(decisions, rewards)))

"""Estimators of the mean reward that a policy's slates would have had.

Each estimate comes with its influence: how much each slate moves it.  Intervals, and differences of
two estimators, follow from influences alone.

All divide by the sum of the weights instead of the number of slates: self-normalised (Swaminathan
and Joachims, NeurIPS 2015), which has less variance and no scale to get wrong.

Doubly robust estimates add a model of rewards (Dudík, Erhan, Langford and Li, Statistical Science
2014): they are right if the model or the weights are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from training.metrics import Floats
from training.off_policy.policies import Policy
from training.off_policy.reward_model import RewardModel
from training.off_policy.slates import LoggedSlates
from training.off_policy.weights import CASCADE, ITEM, SLATE, importance_weights

Change = Callable[[Floats, float], Floats]
"""Weights and a threshold → smaller weights."""

_GRID = 12
"""Thresholds of switch and shrinkage that are tried."""


@dataclass(frozen=True)
class Estimate:
    """One estimator's value.

    Attributes:
        value: mean reward of a slate; NaN where no slate has a weight.
        influence: shape (S,), of mean zero.
        weights: shape (S, K), importance weights of its assumption.
        assumption: on what the reward of an item depends.
    """

    value: float
    influence: Floats
    weights: Floats
    assumption: str


def estimate_all(slates: LoggedSlates, policy: Policy) -> Mapping[str, Estimate]:
    """Return the estimates by name."""
    weights = importance_weights(slates, policy)
    model = RewardModel.fit(slates)
    logged, expected = model.logged(slates), model.expected(slates, policy)

    def weighted(assumption: str) -> Estimate:
        return _estimate(slates, assumption, weights[assumption])

    def corrected(used: Floats) -> Estimate:
        return _estimate(slates, ITEM, weights[ITEM], used, (logged, expected))

    def of_least_error(change: Change) -> Estimate:
        return _least_error(weights[ITEM], slates.rewards - logged, change, corrected)

    return {
        "snips": weighted(SLATE),
        "rips": weighted(CASCADE),
        "iips": weighted(ITEM),
        "dr": corrected(weights[ITEM]),
        "switch": of_least_error(_switched),
        "shrinkage": of_least_error(_shrunk),
    }


def _estimate(
    slates: LoggedSlates,
    assumption: str,
    weights: Floats,
    used: Floats | None = None,
    model: tuple[Floats, Floats] | None = None,
) -> Estimate:
    """Return the sum over slots of share * sum(used * rewards) / sum(weights), with a correction.

    A slot's share is that of the slates which have it: 1 for slates of one length.  A model of
    rewards adds what it expects of the policy, and takes away what the weights say of it.

    Args:
        weights: shape (S, K), to normalise by.
        used: shape (S, K), the weights of the rewards, by default the same; smaller where the model
            alone is trusted.
        model: expected rewards of the logged items, and of the policy's; each of shape (S, K).
    """
    used = weights if used is None else used
    shown = slates.shown
    share, mean_weight = shown.mean(axis=0), weights.mean(axis=0)
    scale = _divide(share, mean_weight)
    logged, expected = model or (np.zeros(used.shape), np.zeros(used.shape))
    correction = expected - scale * used * logged
    residual = used * (slates.rewards - logged)
    # Each slot is share * mean(residual) / mean(weights): the influence of a ratio of means.
    ratio = _divide(residual.mean(axis=0), mean_weight)
    influence = scale * (residual - ratio * weights) + (shown - share) * ratio
    influence += expected - expected.mean(axis=0)
    value = scale * (used * slates.rewards).mean(axis=0) + correction.mean(axis=0)
    return Estimate(float(value.sum()), influence.sum(axis=1), weights, assumption)


def _switched(weights: Floats, threshold: float) -> Floats:
    """Trust the model alone where a weight is large (Wang, Agarwal and Dudík, ICML 2017)."""
    return np.where(weights <= threshold, weights, 0.0)


def _shrunk(weights: Floats, threshold: float) -> Floats:
    """Shrink large weights to a limit (Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020).

    This is their pessimistic shrinkage, which leaves small weights as they are.
    """
    return np.minimum(weights, threshold)


def _least_error(
    weights: Floats,
    residuals: Floats,
    change: Change,
    corrected: Callable[[Floats], Estimate],
) -> Estimate:
    """Return the estimate of the threshold whose variance plus squared bias is least.

    The bias is the mean of what the change of the weights leaves out.  Its upper end counts: with
    the mean alone, intervals contained the truth in 60 % of simulated logs.
    """
    best, least = corrected(weights), np.inf
    for threshold in np.geomspace(1.0, max(float(weights.max(initial=1.0)), 1.0), _GRID):
        used = change(weights, threshold)
        left_out = ((weights - used) * residuals).sum(axis=1)
        bias = abs(float(left_out.mean())) + 2 * float(np.std(left_out)) / np.sqrt(len(weights))
        estimate = corrected(used)
        error = bias**2 + float(np.var(estimate.influence)) / len(weights)
        if error < least:
            best, least = estimate, error
    return best


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    quotient: Floats = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient

"""Importance weights of slots: how much more often the policy shows what the log shows.

Three assumptions give three kinds of weights, from the weakest assumption and the most noise to the
strongest and the least:

- slate: a reward may depend on the whole slate.
- cascade: on the item and those above it (McInerney, Brost, Chandar, Mehrotra and Carterette, KDD
  2020).
- item and position: on the item and its position alone (Li, Abbasi-Yadkori, Kveton, Muthukrishnan,
  Vinay and Wen, KDD 2018).
"""

from collections.abc import Mapping

import numpy as np

from training.metrics import Floats, Ints
from training.off_policy.policies import Policy
from training.off_policy.slates import LoggedSlates

SLATE, CASCADE, ITEM = "slate", "cascade", "item and position"


def importance_weights(slates: LoggedSlates, policy: Policy) -> Mapping[str, Floats]:
    """Return the weights of each slot by assumption, shape (S, K); 0 after the end of a slate."""
    shown = slates.shown
    ratios = np.where(shown, policy.conditional(slates) / slates.conditional, 1.0)
    cascade = np.cumprod(ratios, axis=1)
    marginal = policy.marginal(slates) / slates.marginal
    every = {SLATE: np.repeat(cascade[:, -1:], shown.shape[1], axis=1), CASCADE: cascade}
    return {name: np.where(shown, each, 0.0) for name, each in {**every, ITEM: marginal}.items()}


def effective_size(weights: Floats, clusters: Ints) -> float:
    """Return how many equally weighted clusters carry as much information (Kish 1965).

    Args:
        weights: shape (S, K), not negative.
        clusters: shape (S,), numbers from 0.
    """
    sums = np.bincount(clusters, weights.sum(axis=1))
    squares = float(np.sum(sums**2))
    return float(sums.sum()) ** 2 / squares if squares else 0.0
